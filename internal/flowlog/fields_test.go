package flowlog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documented are the names of the fields by version, as AWS lists them.
var documented = map[int]string{
	2: `version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status`,
	3: `vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr`,
	4: `region az-id sublocation-type sublocation-id`,
	5: `pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path`,
	6: `resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id
		tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id
		packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired`,
	7: `ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id
		ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id`,
	8:  `reject-reason`,
	9:  `resource-id`,
	10: `encryption-status`,
	11: `instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id
		next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type`,
}

func TestFieldTableHasEveryDocumentedName(t *testing.T) {
	var want []string
	for version := 2; version <= 11; version++ {
		want = append(want, strings.Fields(documented[version])...)
	}
	if diff := cmp.Diff(want, Fields()); diff != "" {
		t.Errorf("fields differ from the documentation (-want +got):\n%s", diff)
	}
}

func TestFieldsPerVersion(t *testing.T) {
	// Version 6 belongs to transit gateways and is not part of the sum.
	want := map[int]int{2: 14, 3: 21, 4: 25, 5: 29, 7: 39, 8: 40, 9: 41, 10: 42, 11: 54}
	got := map[int]int{}
	for version := range want {
		for _, f := range fields {
			if f.version <= version && f.version != 6 {
				got[version]++
			}
			if !slices.Contains(strings.Fields(documented[f.version]), f.name) {
				t.Errorf("%s is not a field of version %d", f.name, f.version)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cumulative number of VPC fields (-want +got):\n%s", diff)
	}
}

func TestDefaultFormats(t *testing.T) {
	if n := Default.Columns(); n != 14 {
		t.Errorf("the default format has %d columns, want 14", n)
	}
	if n := TransitGateway.Columns(); n != 36 {
		t.Errorf("the transit gateway format has %d columns, want 36", n)
	}
	for _, f := range []*Format{Default, TransitGateway} {
		if unknown := f.Unknown(); unknown != nil {
			t.Errorf("unknown fields %q", unknown)
		}
	}
}

func TestEndsAreFields(t *testing.T) {
	for _, side := range ends {
		for _, e := range side {
			if fieldByName[e.column] == nil {
				t.Errorf("%s is not in the field table", e.column)
			}
		}
	}
	for name := range vital {
		if fieldByName[name] == nil {
			t.Errorf("%s is not in the field table", name)
		}
	}
}
