// Package flow holds the nouns of the product: what a flow record, a subnet, a
// direction and a body are. It knows the standard library only.
package flow

import "net/netip"

// Direction is the way a flow went, as seen from the interface that recorded it.
type Direction uint8

// The directions of a flow.
const (
	DirectionUnknown Direction = iota
	Ingress
	Egress
)

// String returns the word AWS uses, "-" when unknown.
func (d Direction) String() string {
	return [...]string{"-", "ingress", "egress"}[d]
}

// OneEnd returns the direction of a flow of which just one end, src or dst, is the
// recording interface's; DirectionUnknown where none is, or both.
func OneEnd(src, dst bool) Direction {
	switch {
	case src && !dst:
		return Egress
	case dst && !src:
		return Ingress
	}
	return DirectionUnknown
}

// FamilyOf returns the index of an address family: 0 is IPv4, 1 is IPv6.
func FamilyOf(addr netip.Addr) uint8 {
	if addr.Is6() {
		return 1
	}
	return 0
}

// Action is what security groups and network ACLs did with a flow.
type Action uint8

// The actions of a flow. ActionNone stands where the format has no action; such
// traffic counts as accepted.
const (
	ActionNone Action = iota
	Accept
	Reject
)

// Reason says why a flow log record did not reach the traffic metrics.
type Reason uint8

// The reasons, in the order of the metric catalogue. The order is part of the
// state on disk: new ones are added at the end.
const (
	// NoData is AWS's word for a window without traffic.
	NoData Reason = iota
	// SkipData is AWS's word for records lost on AWS's side.
	SkipData
	// Malformed lines have the columns of their format but an impossible value.
	Malformed
	// Duplicate records were delivered before.
	Duplicate
	// TooOld records lie before the time the user asked for.
	TooOld
	// Control is a probe that CloudWatch Logs sends to its destination.
	Control
	// Format lines fit no known format.
	Format
	// OtherENI records belong to an interface the user does not want.
	OtherENI
	numReasons
)

// NumReasons is how many reasons there are.
const NumReasons = int(numReasons)

// String returns the label value of the reason.
func (r Reason) String() string {
	return [...]string{"nodata", "skipdata", "malformed", "duplicate", "too_old", "control", "format", "other_eni"}[r]
}

// Reasons counts skipped records by reason.
type Reasons [NumReasons]uint64

// Sum returns the total over all reasons.
func (r *Reasons) Sum() (n uint64) {
	for _, v := range r {
		n += v
	}
	return n
}

// Stage is the step of decoding at which a message turned out to be unreadable.
type Stage uint8

// The stages. The order is part of the state on disk: new ones are added at the
// end.
const (
	// Content is a message of no kind that the reader knows.
	Content Stage = iota
	// Decompress is broken gzip, zstd or base64.
	Decompress
	// Limit is a message that is larger than the configured bound.
	Limit
	// Envelope is broken or foreign JSON.
	Envelope
	// Panicked is a message that made the decoder panic: a fault of ours.
	Panicked
	numStages
)

// NumStages is how many stages there are.
const NumStages = int(numStages)

// String returns the label value of the stage.
func (s Stage) String() string {
	return [...]string{"content", "decompress", "limit", "envelope", "panic"}[s]
}
