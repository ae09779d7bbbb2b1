package demo

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// Placement is where a record counts: at the subnet of the interface that
// recorded it, in the direction that this interface saw.
type Placement struct {
	// CIDR is the IPv4 range of the subnet, the text of its label.
	CIDR      string
	Direction flow.Direction
	Action    flow.Action
}

// Amount is a number of records and what they carried.
type Amount struct{ Flows, Packets, Bytes uint64 }

// Truth is what a right counter shows once it has read every envelope.
type Truth struct {
	// Traffic has every placement of the VPC, also those at 0.
	Traffic map[Placement]Amount
	// NoData, SkipData and Control are the log events that are no traffic.
	NoData, SkipData, Control uint64
}

// truth is the running form of Truth: by subnet, egress and reject.
type truth struct {
	traffic                   [len(tiers) * len(zones)][2][2]Amount
	noData, skipData, control uint64
}

func (t *truth) add(slot int, d flow.Direction, l *line) {
	a := &t.traffic[slot][d-flow.Ingress][l.action-flow.Accept]
	a.Flows++
	a.Packets += l.packets
	a.Bytes += l.bytes
}

// Truth returns the totals of all records that Next has returned so far, from
// what the generator knows and not from the text it wrote. After Run has
// returned, that is what was put. The caller owns the result.
func (v *VPC) Truth() Truth {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := Truth{
		Traffic: make(map[Placement]Amount, 4*len(v.subnets)),
		NoData:  v.truth.noData, SkipData: v.truth.skipData, Control: v.truth.control,
	}
	for slot := range v.subnets {
		for d := flow.Ingress; d <= flow.Egress; d++ {
			for a := flow.Accept; a <= flow.Reject; a++ {
				t.Traffic[Placement{v.subnets[slot].CIDR, d, a}] = v.truth.traffic[slot][d-flow.Ingress][a-flow.Accept]
			}
		}
	}
	return t
}
