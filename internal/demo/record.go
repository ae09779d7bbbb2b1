package demo

import (
	"strconv"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// IANA protocol numbers.
const (
	tcp = 6
	udp = 17
)

// load is the usual size of one way of a connection in a capture window.
type load struct{ packets, bytesPerPacket uint64 }

// line is the text of a flow log record but for the interface.
type line struct {
	src, dst         string
	srcPort, dstPort int
	protocol         int
	packets, bytes   uint64
	start, end       int64 // Unix seconds
	action           flow.Action
}

// appendTo writes the record in the default format, version 2.
func (l *line) appendTo(b []byte, interfaceID string) []byte {
	b = appendIDs(b, interfaceID)
	b = append(b, ' ')
	b = append(b, l.src...)
	b = append(b, ' ')
	b = append(b, l.dst...)
	for _, n := range [...]int64{
		int64(l.srcPort), int64(l.dstPort), int64(l.protocol),
		int64(l.packets), int64(l.bytes), l.start, l.end,
	} {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n, 10)
	}
	if l.action == flow.Reject {
		return append(b, " REJECT OK"...)
	}
	return append(b, " ACCEPT OK"...)
}

func appendIDs(b []byte, interfaceID string) []byte {
	b = append(b, "2 "+Account+" "...)
	return append(b, interfaceID...)
}

// window returns a capture window within the last 10 to 60 seconds.
func (v *VPC) window() (start, end int64) {
	end = v.now.Unix() - 1 - v.rng.Int64N(10)
	return end - 9 - v.rng.Int64N(41), end
}

// connection returns both ways of a TCP connection in one capture window.
func (v *VPC) connection(client, server string, port int, up, down load) (request, reply *line) {
	start, end := v.window()
	request = &line{
		src: client, dst: server, srcPort: 32768 + v.rng.IntN(28232), dstPort: port,
		protocol: tcp, start: start, end: end, action: flow.Accept,
	}
	answer := *request
	answer.src, answer.dst = server, client
	answer.srcPort, answer.dstPort = port, request.srcPort
	v.fill(request, up)
	v.fill(&answer, down)
	return request, &answer
}

// fill sets the amounts of a line around the usual ones, as busy as the day is.
func (v *VPC) fill(l *line, usual load) {
	l.packets = 1 + v.rng.Uint64N(1+uint64(2*v.busy*float64(usual.packets)))
	l.bytes = l.packets * (usual.bytesPerPacket - v.rng.Uint64N(usual.bytesPerPacket/5))
}

// refusal returns a few small packets that a security group refused.
func (v *VPC) refusal(src, dst string, protocol, port int) *line {
	start, end := v.window()
	packets := 1 + v.rng.Uint64N(3)
	return &line{
		src: src, dst: dst, srcPort: 1024 + v.rng.IntN(64512), dstPort: port, protocol: protocol,
		packets: packets, bytes: packets * (40 + v.rng.Uint64N(21)), start: start, end: end, action: flow.Reject,
	}
}
