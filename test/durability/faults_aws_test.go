//go:build durability

package durability

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// ec2 answers DescribeSubnets in two pages, as many of which work as pages says,
// and knows no interfaces.
type ec2 struct {
	subnets []flow.Subnet
	pages   atomic.Int32
	refused atomic.Int32
}

// ServeHTTP implements http.Handler.
func (e *ec2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	if r.FormValue("Action") == "DescribeNetworkInterfaces" {
		fmt.Fprint(w, `<DescribeNetworkInterfacesResponse><requestId>1</requestId><networkInterfaceSet/></DescribeNetworkInterfacesResponse>`)
		return
	}
	number, half := int32(1), e.subnets[:len(e.subnets)/2]
	next := "<nextToken>2</nextToken>"
	if r.FormValue("NextToken") != "" {
		number, half, next = 2, e.subnets[len(e.subnets)/2:], ""
	}
	if number > e.pages.Load() {
		e.refused.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `<Response><Errors><Error><Code>Unavailable</Code><Message>The server is overloaded.</Message></Error></Errors><RequestID>1</RequestID></Response>`)
		return
	}
	var items strings.Builder
	for _, s := range half {
		fmt.Fprintf(&items, "<item><subnetId>%s</subnetId><vpcId>%s</vpcId><cidrBlock>%s</cidrBlock><ownerId>%s</ownerId>"+
			"<availabilityZoneId>%s</availabilityZoneId><state>available</state><ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>%s</ipv6CidrBlock>"+
			"<ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState></item></ipv6CidrBlockAssociationSet></item>",
			s.ID, s.VPCID, s.CIDR, s.AccountID, s.AZID, s.Prefixes[1])
	}
	fmt.Fprintf(w, "%s<DescribeSubnetsResponse><requestId>1</requestId><subnetSet>%s</subnetSet>%s</DescribeSubnetsResponse>", xml.Header, &items, next)
}

// asking lets the exporter ask EC2 for the subnets instead of reading a file.
var asking = []string{"--subnets.file=", "--subnets.refresh", "200ms"}

// TestFault31NoSubnetsAtStart: without subnets the exporter serves, is not ready,
// and reads nothing that would belong to no subnet. All is counted afterwards.
func TestFault31NoSubnetsAtStart(t *testing.T) {
	w := newWorld(t, 31, 2)
	aws := &ec2{subnets: w.vpc.Subnets()}
	w.endpoint.ec2 = aws
	w.put(2000)
	p := w.start(asking...)
	url := p.url()
	p.until(func() error {
		if aws.refused.Load() < 2 {
			return errNotYet
		}
		return nil
	})
	if status, reason := ask(t, p, url+"/-/ready"); status != http.StatusServiceUnavailable || !strings.Contains(reason, "subnets") {
		t.Errorf("ready: %d %s", status, reason)
	}
	if _, _, err := fetch(p.client, url); err != nil {
		t.Error(err)
	}
	aws.pages.Store(2)
	w.settled(p, url)
	aws.pages.Store(0)
	p.kill()
	w.put(2000)
	// A later start knows the subnets by the state: what is public stays so.
	p = w.start(asking...)
	url = p.url()
	before := w.log.latest()
	refused := aws.refused.Load()
	p.until(func() error {
		if aws.refused.Load() < refused+2 {
			return errNotYet
		}
		return nil
	})
	if got := w.log.scrape(p, url); got.sum("flowlog_received_bytes_total") < sum(before, "flowlog_received_bytes_total") {
		t.Errorf("without EC2 the totals are gone: %v", got.values)
	}
	aws.pages.Store(2)
	w.settled(p, url)
	p.stop()
}

// TestFault32SubnetsFailLater: a listing that breaks off half way changes
// nothing, and is counted.
func TestFault32SubnetsFailLater(t *testing.T) {
	w := newWorld(t, 32, 2)
	aws := &ec2{subnets: w.vpc.Subnets()}
	aws.pages.Store(2)
	w.endpoint.ec2 = aws
	p := w.start(asking...)
	url := p.url()
	w.put(2000)
	w.settled(p, url)
	for _, pages := range []int32{1, 0} {
		aws.pages.Store(pages)
		refused := aws.refused.Load()
		w.put(2000)
		p.until(func() error {
			got := w.log.scrape(p, url)
			if n := got.sum("flowlog_subnets"); n != float64(len(aws.subnets)) {
				t.Fatalf("%v subnets of %d", n, len(aws.subnets))
			}
			if aws.refused.Load() < refused+3 {
				return errNotYet
			}
			return nil
		})
		w.settled(p, url)
	}
	if n := w.log.scrape(p, url).sum("flowlog_subnet_refresh_failures_total"); n == 0 {
		t.Error("the failures are not counted")
	}
	p.stop()
	w.log.increases(w.truth())
}
