package vpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

var (
	errNotPermitted = &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation."}
	errThrottled    = &smithy.GenericAPIError{Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
)

// fakeEC2 serves pages; the token of a page is its index. An error stands for
// the page of its index.
type fakeEC2 struct {
	mu         sync.Mutex
	subnets    [][]types.Subnet
	interfaces [][]types.NetworkInterface
	flowLogs   [][]types.FlowLog
	fail       map[string]error // "subnets 1", "interfaces 0", …
	stuck      bool             // always the same token
}

func turn[T any](f *fakeEC2, what string, list *[][]T, token *string, size *int32) ([]T, *string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pages := *list
	n, _ := strconv.Atoi(aws.ToString(token))
	name := fmt.Sprint(what, " ", n)
	if err := f.fail[name]; err != nil {
		return nil, nil, err
	}
	if aws.ToInt32(size) < 5 || aws.ToInt32(size) > 1000 {
		return nil, nil, errors.New("MaxResults must be between 5 and 1000")
	}
	if f.stuck {
		return nil, aws.String("7"), nil
	}
	if len(pages) == 0 {
		return nil, nil, nil
	}
	var next *string
	if n+1 < len(pages) {
		next = aws.String(strconv.Itoa(n + 1))
	}
	return pages[n], next, nil
}

func (f *fakeEC2) DescribeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	list, next, err := turn(f, "subnets", &f.subnets, in.NextToken, in.MaxResults)
	return &ec2.DescribeSubnetsOutput{Subnets: list, NextToken: next}, err
}

func (f *fakeEC2) DescribeNetworkInterfaces(_ context.Context, in *ec2.DescribeNetworkInterfacesInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error) {
	list, next, err := turn(f, "interfaces", &f.interfaces, in.NextToken, in.MaxResults)
	return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: list, NextToken: next}, err
}

func (f *fakeEC2) DescribeFlowLogs(_ context.Context, in *ec2.DescribeFlowLogsInput, _ ...func(*ec2.Options)) (*ec2.DescribeFlowLogsOutput, error) {
	if len(in.Filter) != 1 || aws.ToString(in.Filter[0].Name) != "log-group-name" || in.Filter[0].Values[0] != "/aws/vpc/flowlogs" {
		return nil, errors.New("asked for another log group")
	}
	list, next, err := turn(f, "flow logs", &f.flowLogs, in.NextToken, in.MaxResults)
	return &ec2.DescribeFlowLogsOutput{FlowLogs: list, NextToken: next}, err
}

func ec2Subnet(id, vpcID, cidr string) types.Subnet {
	s := types.Subnet{SubnetId: aws.String(id), VpcId: aws.String(vpcID), OwnerId: aws.String("111"), AvailabilityZoneId: aws.String("use1-az1")}
	if cidr != "" {
		s.CidrBlock = aws.String(cidr)
	}
	return s
}

func associated(s types.Subnet, cidr string, state types.SubnetCidrBlockStateCode) types.Subnet {
	s.Ipv6CidrBlockAssociationSet = append(s.Ipv6CidrBlockAssociationSet, types.SubnetIpv6CidrBlockAssociation{
		Ipv6CidrBlock: aws.String(cidr), Ipv6CidrBlockState: &types.SubnetCidrBlockState{State: state},
	})
	return s
}

func twoPages() *fakeEC2 {
	both := associated(associated(ec2Subnet("subnet-1", "vpc-1", "10.0.0.0/24"), "2001:db8:0:9::/64", types.SubnetCidrBlockStateCodeDisassociated),
		"2001:db8::/64", types.SubnetCidrBlockStateCodeAssociated)
	both.Tags = []types.Tag{{Key: aws.String("env"), Value: aws.String("prod")}, {Key: aws.String("Name"), Value: aws.String("web")}}
	six := associated(ec2Subnet("subnet-6", "vpc-1", ""), "2001:db8:0:6::/64", types.SubnetCidrBlockStateCodeAssociated)
	six.Ipv6Native = aws.Bool(true)
	shared := ec2Subnet("subnet-s", "vpc-9", "10.0.0.0/24")
	shared.OwnerId = aws.String("999")
	bare := associated(ec2Subnet("subnet-0", "vpc-1", ""), "2001:db8:0:7::/64", types.SubnetCidrBlockStateCodeAssociating)
	return &fakeEC2{
		subnets: [][]types.Subnet{{both, six}, {shared, bare, {}}},
		interfaces: [][]types.NetworkInterface{
			{{
				NetworkInterfaceId: aws.String("eni-1"), SubnetId: aws.String("subnet-1"), VpcId: aws.String("vpc-1"), PrivateIpAddress: aws.String("10.0.0.5"),
				PrivateIpAddresses: []types.NetworkInterfacePrivateIpAddress{{PrivateIpAddress: aws.String("10.0.0.5"), Primary: aws.Bool(true)}, {PrivateIpAddress: aws.String("10.0.0.6")}},
				Ipv6Addresses:      []types.NetworkInterfaceIpv6Address{{Ipv6Address: aws.String("2001:db8::5")}},
			}},
			{{NetworkInterfaceId: aws.String("eni-6"), SubnetId: aws.String("subnet-6"), VpcId: aws.String("vpc-1"), Ipv6Addresses: []types.NetworkInterfaceIpv6Address{{Ipv6Address: aws.String("2001:db8:0:6::5")}, {}}}},
		},
	}
}

func TestEC2Load(t *testing.T) {
	subnets, interfaces, err := (&EC2{Client: twoPages()}).Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	wantSubnets := []flow.Subnet{
		{CIDR: "10.0.0.0/24", Prefixes: prefixes("10.0.0.0/24", "2001:db8::/64"), ID: "subnet-1", VPCID: "vpc-1", AZID: "use1-az1", AccountID: "111", Name: "web"},
		{CIDR: "2001:db8:0:6::/64", Prefixes: prefixes("2001:db8:0:6::/64"), ID: "subnet-6", VPCID: "vpc-1", AZID: "use1-az1", AccountID: "111"},
		{CIDR: "10.0.0.0/24", Prefixes: prefixes("10.0.0.0/24"), ID: "subnet-s", VPCID: "vpc-9", AZID: "use1-az1", AccountID: "999"},
	}
	if d := cmp.Diff(wantSubnets, subnets, byPrefixText); d != "" {
		t.Error(d)
	}
	wantInterfaces := []Interface{eni("eni-1", "subnet-1", "vpc-1", "10.0.0.5", "10.0.0.6", "2001:db8::5"), eni("eni-6", "subnet-6", "vpc-1", "2001:db8:0:6::5")}
	if d := cmp.Diff(wantInterfaces, interfaces, cmpopts.EquateComparable(interfaces[0].Addrs[0])); d != "" {
		t.Error(d)
	}
}

func TestEC2LoadFailures(t *testing.T) {
	for _, c := range []struct {
		name    string
		fail    map[string]error
		stuck   bool
		want    string
		denied  bool
		subnets int
	}{
		{name: "subnets denied", fail: map[string]error{"subnets 0": errNotPermitted}, denied: true,
			want: "cannot list subnets: explained: api error UnauthorizedOperation: You are not authorized to perform this operation.; add ec2:DescribeSubnets or use --subnets.file"},
		{name: "first page", fail: map[string]error{"subnets 0": errThrottled}, want: "cannot list subnets: explained: api error RequestLimitExceeded: Request limit exceeded."},
		{name: "second page", fail: map[string]error{"subnets 1": errThrottled}, want: "cannot list subnets: explained: api error RequestLimitExceeded: Request limit exceeded."},
		{name: "second page of interfaces", fail: map[string]error{"interfaces 1": errThrottled}, want: "cannot list network interfaces: explained: api error RequestLimitExceeded: Request limit exceeded."},
		{name: "interfaces denied", fail: map[string]error{"interfaces 0": &smithy.GenericAPIError{Code: "AccessDeniedException"}}, subnets: 3},
		{name: "pages without end", stuck: true, want: `cannot list subnets: explained: the list does not go on: page token "7" came twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := twoPages()
			client.fail, client.stuck = c.fail, c.stuck
			var log bytes.Buffer
			e := &EC2{Client: client, Explain: func(err error) error { return fmt.Errorf("explained: %w", err) }, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			for range 2 {
				subnets, interfaces, err := e.Load(context.Background())
				if got := fmt.Sprint(err); c.want != "" && got != c.want || c.want == "" && err != nil {
					t.Fatalf("error %q\n want %q", got, c.want)
				}
				if errors.Is(err, ErrDenied) != c.denied || len(subnets) != c.subnets || interfaces != nil {
					t.Errorf("%d subnets, %d interfaces, %v", len(subnets), len(interfaces), err)
				}
			}
			if said := strings.Count(log.String(), "ec2:DescribeNetworkInterfaces"); c.want == "" && said != 1 {
				t.Errorf("said %d times that interfaces may not be listed, want once", said)
			}
		})
	}
}

func TestPagesAreBounded(t *testing.T) {
	calls := 0
	all, err := pages(func(*string) ([]int, *string, error) {
		calls++
		return []int{1}, aws.String(strconv.Itoa(calls)), nil
	})
	if err == nil || all != nil || calls != maxPages {
		t.Errorf("%d items after %d pages, %v", len(all), calls, err)
	}
}

func TestLogFormats(t *testing.T) {
	client := &fakeEC2{flowLogs: [][]types.FlowLog{
		{{LogFormat: aws.String("${version} ${srcaddr}")}, {}},
		{{LogFormat: aws.String("${version} ${srcaddr}")}, {LogFormat: aws.String("${dstaddr}")}},
	}}
	e := &EC2{Client: client}
	got, err := e.LogFormats(context.Background(), "/aws/vpc/flowlogs")
	if want := "[${version} ${srcaddr} ${dstaddr}]"; err != nil || fmt.Sprint(got) != want || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	for failure, want := range map[error]string{errNotPermitted: "; add ec2:DescribeFlowLogs or pass --format", errThrottled: "Request limit exceeded."} {
		client.fail = map[string]error{"flow logs 1": failure}
		if got, err := e.LogFormats(context.Background(), "/aws/vpc/flowlogs"); got != nil || err == nil || !strings.HasSuffix(err.Error(), want) || !errors.Is(err, failure) {
			t.Errorf("got %v, %v", got, err)
		}
	}
}
