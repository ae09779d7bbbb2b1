package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// setter stores the value of one column in a record. It is never called with
// "-", and answers false when the value is impossible. The value is a view.
type setter func(rec *flow.Record, value []byte) bool

// field is one row of the field table. A field without a setter is known and
// not kept: its column may hold anything.
type field struct {
	// name is spelled as AWS does, with hyphens.
	name string
	// version is the first flow log version that has the field; version 6
	// belongs to transit gateways.
	version int
	// op reads the column when its line is written as usual.
	op op
	// set reads it in any line.
	set setter
}

// fields is the one place that knows the names of AWS. To keep one more field,
// add it to flow.Record and give its row a setter.
//
// Sources: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
// and https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
var fields = [...]field{
	{"version", 2, opCheck, checkNumber},
	{"account-id", 2, opAccountID, setAccountID},
	{"interface-id", 2, opInterfaceID, func(r *flow.Record, v []byte) bool { r.InterfaceID = v; return true }},
	{"srcaddr", 2, opSrc, func(r *flow.Record, v []byte) bool { return setAddr(&r.Src, v) }},
	{"dstaddr", 2, opDst, func(r *flow.Record, v []byte) bool { return setAddr(&r.Dst, v) }},
	{"srcport", 2, opSrcPort, func(r *flow.Record, v []byte) bool { return setPort(&r.SrcPort, v) }},
	{"dstport", 2, opDstPort, func(r *flow.Record, v []byte) bool { return setPort(&r.DstPort, v) }},
	{"protocol", 2, opProtocol, func(r *flow.Record, v []byte) bool { return setOctet(&r.Protocol, v) }},
	{"packets", 2, opPackets, func(r *flow.Record, v []byte) bool { return setAmount(&r.Packets, v) }},
	{"bytes", 2, opBytes, func(r *flow.Record, v []byte) bool { return setAmount(&r.Bytes, v) }},
	{"start", 2, opStart, func(r *flow.Record, v []byte) bool { return setTime(&r.Start, v) }},
	{"end", 2, opEnd, func(r *flow.Record, v []byte) bool { return setTime(&r.End, v) }},
	{"action", 2, opAction, setAction},
	{logStatus, 2, opStatus, nil}, // read by Format.Parse itself

	{"vpc-id", 3, opVPCID, func(r *flow.Record, v []byte) bool { r.VPCID = v; return true }},
	{"subnet-id", 3, opSubnetID, func(r *flow.Record, v []byte) bool { r.SubnetID = v; return true }},
	{"instance-id", 3, opInstanceID, func(r *flow.Record, v []byte) bool { r.InstanceID = v; return true }},
	{"tcp-flags", 3, opTCPFlags, func(r *flow.Record, v []byte) bool { return setOctet(&r.TCPFlags, v) }},
	{"type", 3, opSkip, nil},
	{"pkt-srcaddr", 3, opPktSrc, func(r *flow.Record, v []byte) bool { return setAddr(&r.PktSrc, v) }},
	{"pkt-dstaddr", 3, opPktDst, func(r *flow.Record, v []byte) bool { return setAddr(&r.PktDst, v) }},

	{"region", 4, opRegion, func(r *flow.Record, v []byte) bool { r.Region = v; return true }},
	{"az-id", 4, opAZID, func(r *flow.Record, v []byte) bool { r.AZID = v; return true }},
	{"sublocation-type", 4, opSame, nil},
	{"sublocation-id", 4, opSame, nil},

	{"pkt-src-aws-service", 5, opSkip, nil},
	{"pkt-dst-aws-service", 5, opSkip, nil},
	{"flow-direction", 5, opDirection, setDirection},
	{"traffic-path", 5, opTrafficPath, func(r *flow.Record, v []byte) bool { return setOctet(&r.TrafficPath, v) }},

	{"resource-type", 6, opSkip, nil},
	{"tgw-id", 6, opSkip, nil},
	{"tgw-attachment-id", 6, opSkip, nil},
	{"tgw-src-vpc-account-id", 6, opSkip, nil}, // the ends of a transit gateway record are read by Format.attach
	{"tgw-dst-vpc-account-id", 6, opSkip, nil},
	{"tgw-src-vpc-id", 6, opSkip, nil},
	{"tgw-dst-vpc-id", 6, opSkip, nil},
	{"tgw-src-subnet-id", 6, opSkip, nil},
	{"tgw-dst-subnet-id", 6, opSkip, nil},
	{"tgw-src-eni", 6, opSkip, nil},
	{"tgw-dst-eni", 6, opSkip, nil},
	{"tgw-src-az-id", 6, opSkip, nil},
	{"tgw-dst-az-id", 6, opSkip, nil},
	{"tgw-pair-attachment-id", 6, opSkip, nil},
	{"packets-lost-no-route", 6, opCheck, checkNumber},
	{"packets-lost-blackhole", 6, opCheck, checkNumber},
	{"packets-lost-mtu-exceeded", 6, opCheck, checkNumber},
	{"packets-lost-ttl-expired", 6, opCheck, checkNumber},

	{"ecs-cluster-arn", 7, opSame, nil},
	{"ecs-cluster-name", 7, opSame, nil},
	{"ecs-container-instance-arn", 7, opSame, nil},
	{"ecs-container-instance-id", 7, opSame, nil},
	{"ecs-container-id", 7, opSame, nil},
	{"ecs-second-container-id", 7, opSame, nil},
	{"ecs-service-name", 7, opSame, nil},
	{"ecs-task-definition-arn", 7, opSame, nil},
	{"ecs-task-arn", 7, opSame, nil},
	{"ecs-task-id", 7, opSame, nil},

	{"reject-reason", 8, opRejectReason, func(r *flow.Record, v []byte) bool { r.RejectReason = v; return true }},

	{"resource-id", 9, opSame, nil},

	{"encryption-status", 10, opCheck, checkNumber},

	{"instance-tag", 11, opSame, nil},
	{"instance-tag-2", 11, opSame, nil},
	{"interface-tag", 11, opSame, nil},
	{"interface-tag-2", 11, opSame, nil},
	{"asg-tag", 11, opSame, nil},
	{"asg-tag-2", 11, opSame, nil},
	{"interface-type", 11, opSame, nil},
	{"next-hop-interface-id", 11, opSkip, nil},
	{"next-hop-subnet-id", 11, opSkip, nil},
	{"next-hop-az-id", 11, opSkip, nil},
	{"next-hop-vpc-id", 11, opSkip, nil},
	{"next-hop-interface-type", 11, opSkip, nil},
}

// logStatus names the column that tells records from NODATA and SKIPDATA.
const logStatus = "log-status"

// vital are the columns that say whether there was traffic at all. They stand
// in for log-status where a format lacks it.
var vital = map[string]bool{"srcaddr": true, "dstaddr": true, "packets": true, "bytes": true}

// end is what a transit gateway record tells of one of its two attachments.
type end struct {
	column string
	set    setter
}

// ends are the columns of the source (0) and the destination (1) attachment.
var ends = [2][5]end{
	{
		{"tgw-src-eni", func(r *flow.Record, v []byte) bool { r.InterfaceID = v; return true }},
		{"tgw-src-subnet-id", func(r *flow.Record, v []byte) bool { r.SubnetID = v; return true }},
		{"tgw-src-vpc-id", func(r *flow.Record, v []byte) bool { r.VPCID = v; return true }},
		{"tgw-src-az-id", func(r *flow.Record, v []byte) bool { r.AZID = v; return true }},
		{"tgw-src-vpc-account-id", setAccountID},
	},
	{
		{"tgw-dst-eni", func(r *flow.Record, v []byte) bool { r.InterfaceID = v; return true }},
		{"tgw-dst-subnet-id", func(r *flow.Record, v []byte) bool { r.SubnetID = v; return true }},
		{"tgw-dst-vpc-id", func(r *flow.Record, v []byte) bool { r.VPCID = v; return true }},
		{"tgw-dst-az-id", func(r *flow.Record, v []byte) bool { r.AZID = v; return true }},
		{"tgw-dst-vpc-account-id", setAccountID},
	},
}

// fieldByName finds the row of a field by the name that AWS writes.
var fieldByName = func() map[string]*field {
	rows := make(map[string]*field, len(fields))
	for i := range fields {
		rows[fields[i].name] = &fields[i]
	}
	return rows
}()

// Fields returns the names of all fields of versions 2 to 11, transit gateway
// fields included, as AWS writes them and in the order of their versions.
func Fields() []string {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].name
	}
	return names
}

// Field is what is known of a field.
type Field struct {
	// Version is the first flow log version that has it; version 6 belongs to
	// transit gateways.
	Version int
	// Kept says that its values are read; others are passed over.
	Kept bool
}

// Known returns what is known of the field that AWS writes so.
func Known(name string) (Field, bool) {
	row, ok := fieldByName[name]
	if !ok {
		return Field{}, false
	}
	kept := row.set != nil || name == logStatus
	for _, side := range ends {
		for _, e := range side {
			kept = kept || e.column == name
		}
	}
	return Field{row.version, kept}, true
}
