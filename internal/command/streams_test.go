package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
)

// TestTwoStreamsInTwoRegions: each is read in its region, under its own label, with
// settings of its own, and goes on at its own place after a restart.
func TestTwoStreamsInTwoRegions(t *testing.T) {
	streams := map[string]*demo.Kinesis{
		"eu-west-1": {Stream: "logs", Region: "eu-west-1"}, "us-east-1": {Stream: "logs", Region: "us-east-1"},
	}
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for region, stream := range streams {
			if strings.Contains(r.Header.Get("Authorization"), "/"+region+"/kinesis/") {
				stream.ServeHTTP(w, r)
				return
			}
			if strings.Contains(r.Header.Get("Authorization"), "/"+region+"/ec2/") {
				answerEC2(w, r, region)
				return
			}
		}
		t.Errorf("asked in no region: %s", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer aws.Close()
	put := func(region string, n int) {
		streams[region].Put([]byte(strings.Repeat(denied+"\n", n)))
	}
	put("eu-west-1", 3)
	put("us-east-1", 5)

	dir := t.TempDir()
	path := filepath.Join(dir, "flowlog.yml")
	rewrite(t, path, fmt.Sprintf(`
aws: {endpoint_url: %q, region: eu-west-1}
inputs:
  - name: eu
    kinesis: {stream: "arn:aws:kinesis:eu-west-1:123456789012:stream/logs", start: trim_horizon, poll_interval: 20ms}
  - name: us
    kinesis: {stream: "arn:aws:kinesis:us-east-1:123456789012:stream/logs", start: trim_horizon, poll_interval: 30ms}
state: {path: %q, commit_interval: 20ms}
web: {listen_address: "127.0.0.1:0", last_scrape_wait: 0s}
`, aws.URL, filepath.Join(dir, "state")))
	for run := range 2 {
		p := start(t, keys, "--config.file", path)
		url := p.url()
		until(t, p, url, `flowlog_records_total\{source="eu"\}`, float64(3+3*run))
		until(t, p, url, `flowlog_records_total\{source="us"\}`, float64(5+5*run))
		until(t, p, url, `flowlog_source_up.*`, 2)
		until(t, p, url, `flowlog_subnets\{vpc_id="vpc-(?:eu-west|us-east)-1"\}`, 2)
		put("eu-west-1", 3)
		put("us-east-1", 5)
		until(t, p, url, `flowlog_records_total\{source="us"\}`, float64(10+5*run))
		until(t, p, url, `flowlog_records_total\{source="eu"\}`, float64(6+3*run))
		if status := p.stop(); status != exitOK {
			t.Fatalf("exit status %d:\n%s", status, p.output)
		}
	}
}

// answerEC2 tells of one subnet of a region, and of no interface.
func answerEC2(w http.ResponseWriter, r *http.Request, region string) {
	action := r.FormValue("Action")
	set := map[string]string{
		"DescribeSubnets":           "<subnetSet><item><subnetId>subnet-" + region + "</subnetId><vpcId>vpc-" + region + "</vpcId><cidrBlock>10.0.0.0/24</cidrBlock></item></subnetSet>",
		"DescribeNetworkInterfaces": "<networkInterfaceSet/>",
	}[action]
	fmt.Fprintf(w, "<%sResponse>%s</%[1]sResponse>", action, set)
}
