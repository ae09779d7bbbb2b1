package flow

import "net/netip"

// Record is one flow log record: one 5-tuple seen at one network interface
// in one capture window.
//
// A record is filled in twice and then only read: the reader (flowlog) sets
// what the line says, the address book (vpc) sets Subnet, Direction and
// Ambiguous. An absent field, written "-" or not part of the format, is the
// zero value of its type.
//
// The byte slices are views into the reader's buffer. They and the record are
// valid only during the call that hands them over; who needs them longer
// copies them. A Record has no locks and belongs to one goroutine.
//
// Field meanings: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
type Record struct {
	// What every record has comes first: it is written and read for each of
	// them, and takes fewer lines of the processor's cache so.

	// Src and Dst are srcaddr and dstaddr: of the two, the end at the
	// recording interface always shows that interface's own primary address.
	Src, Dst netip.Addr

	// Packets and Bytes are the amounts of the capture window.
	Packets, Bytes uint64
	// Start and End are the first and last packet of the window, in Unix
	// seconds; 0 is absent.
	Start, End int64

	SrcPort, DstPort uint16
	// Protocol is the IANA protocol number.
	Protocol uint8
	// TCPFlags is the OR of the flags seen: FIN 1, SYN 2, RST 4, SYN-ACK 18.
	TCPFlags uint8
	// TrafficPath is the code of the path that egress traffic took, 1 to 8.
	TrafficPath uint8
	// Action is ActionNone where the format has no action, as with transit
	// gateway flow logs.
	Action Action

	// Direction is as seen from the recording interface. The reader sets it
	// from flow-direction; the address book works it out where that is absent.
	Direction Direction
	// Ambiguous says that the address book had to guess.
	Ambiguous bool
	// UsualEnd says at which end Names.Usual stands, and not at the other one of
	// the same family: Egress at Src, Ingress at Dst. Where the reader does not
	// tell it is DirectionUnknown.
	UsualEnd Direction
	// Subnet is where the recording interface lives; nil when no known
	// subnet fits.
	Subnet *Subnet

	// Names say whose flow it is. Records that follow each other often share
	// them; they are never nil in a record that was handed over.
	*Names
	// EventID is the id of the CloudWatch log event that carried the line.
	EventID []byte

	// PktSrc and PktDst are the addresses inside the packet (version 3).
	PktSrc, PktDst netip.Addr
	// RejectReason says why a flow was refused beyond security group and
	// network ACL: BPA or EC (version 8).
	RejectReason []byte
}

// Names are what a record says of the interface that recorded it.
type Names struct {
	// AccountID owns the interface; the owner of the log group where the
	// line has none.
	AccountID []byte
	// InterfaceID is the interface that recorded the flow ("eni-…"); taken
	// from the log stream's name where the line has none. Of a transit
	// gateway record: the attachment's interface on the recording side.
	InterfaceID []byte

	VPCID      []byte
	SubnetID   []byte
	AZID       []byte
	InstanceID []byte
	Region     []byte

	// Usual are addresses that stand at one end of most of the records, by
	// FamilyOf: a hint that saves the address book from looking for them. The
	// zero Addr where the reader has seen none.
	Usual [2]netip.Addr
}

// Rejected reports whether a security group or network ACL refused the flow.
func (r *Record) Rejected() bool { return r.Action == Reject }
