package corpus

import (
	"math"
	"net/netip"
)

type status uint8

const (
	ok status = iota
	noData
	skipData
)

var statusText = [...]string{"OK", "NODATA", "SKIPDATA"}

// flow is one line before it is written in some format.
type flow struct {
	src, dst         netip.Addr
	pktSrc, pktDst   netip.Addr
	srcPort, dstPort uint16
	proto            uint8
	packets, bytes   uint64
	start, end       int64
	accept           bool
	status           status
	tcpFlags         uint8
	egress           bool
	srcSvc, dstSvc   string
	trafficPath      uint8 // 0: not applicable
}

var (
	tcpPorts  = []uint16{443, 443, 443, 443, 80, 80, 5432, 3306, 6379, 9092, 8080, 8443, 22, 9200, 2049, 3389, 1433, 389}
	udpPorts  = []uint16{53, 53, 53, 123, 443, 8125, 161, 514, 4789}
	scanPorts = []uint16{22, 23, 80, 443, 445, 1433, 3389, 5060, 5900, 6379, 8080, 8088, 8545, 9200}
	services  = []string{"AMAZON", "S3", "EC2", "DYNAMODB", "CLOUDFRONT"}
)

// amount draws a heavy-tailed number of packets and the bytes to match.
func (w *world) amount() (packets, bytes uint64) {
	p := uint64(math.Exp(w.rng.NormFloat64()*1.6 + 2.2))
	p = max(p, 1)
	each := []uint64{40, 52, 60, 86, 140, 420, 900, 1460}[w.rng.IntN(8)]
	return p, p*each + uint64(w.rng.IntN(40))
}

// draw draws the next flow of an interface in a capture window. Whether a
// reverse may follow is up to the caller.
func (w *world) draw(e *eni, peers4, peers6 []netip.Addr, window [2]int64) flow {
	f := flow{start: window[0], end: window[1], accept: true}
	if w.rng.Float64() < w.BadShare {
		f.status = noData
		if w.rng.IntN(3) == 0 {
			f.status = skipData
		}
		return f
	}
	v6 := w.rng.IntN(100) < 10
	own, peer := e.v4, peers4[skewed(w.rng, len(peers4))]
	if v6 {
		own, peer = e.v6, peers6[skewed(w.rng, len(peers6))]
	}
	f.packets, f.bytes = w.amount()
	if w.rng.IntN(1000) < 120 { // 8 % of the lines, for no reverse follows
		w.scan(&f, own, peer, v6)
	} else {
		w.exchange(&f, e, own, peer, v6)
	}
	return f
}

// scan makes f a denied attempt from outside.
func (w *world) scan(f *flow, own, peer netip.Addr, v6 bool) {
	f.accept = false
	if !v6 && w.rng.IntN(3) > 0 {
		peer = w.stranger()
	}
	f.src, f.dst, f.proto, f.tcpFlags = peer, own, 6, 2
	f.srcPort, f.dstPort = uint16(1024+w.rng.IntN(64000)), scanPorts[w.rng.IntN(len(scanPorts))]
	f.packets = uint64(1 + w.rng.IntN(3))
	f.bytes = f.packets * uint64(40+4*w.rng.IntN(6))
	f.pktSrc, f.pktDst = f.src, f.dst
}

// exchange makes f one direction of a conversation.
func (w *world) exchange(f *flow, e *eni, own, peer netip.Addr, v6 bool) {
	r := w.rng
	f.src, f.dst = own, peer
	if r.IntN(2) == 0 {
		f.src, f.dst = peer, own
	}
	w.protocol(f, v6)
	f.egress = f.src == own
	f.pktSrc, f.pktDst = f.src, f.dst
	if !v6 && r.IntN(20) == 0 { // through a NAT gateway or a load balancer
		f.pktSrc = w.byVPC[e.vpcIndex][r.IntN(len(w.byVPC[e.vpcIndex]))].v4
	}
	if r.IntN(6) == 0 {
		f.dstSvc = services[r.IntN(len(services))]
	}
	if f.egress {
		f.trafficPath = []uint8{1, 1, 1, 8, 4, 3}[r.IntN(6)]
	}
}

func (w *world) protocol(f *flow, v6 bool) {
	r := w.rng
	f.srcPort = uint16(32768 + r.IntN(28232))
	switch x := r.IntN(100); {
	case x < 82:
		f.proto, f.dstPort, f.tcpFlags = 6, tcpPorts[r.IntN(len(tcpPorts))], []uint8{2, 3, 18, 19, 0}[r.IntN(5)]
	case x < 96:
		f.proto, f.dstPort = 17, udpPorts[r.IntN(len(udpPorts))]
	case x < 99:
		f.proto, f.srcPort = 1, 0
		if v6 {
			f.proto = 58
		}
	default:
		f.proto, f.srcPort = []uint8{47, 50, 132}[r.IntN(3)], 0
	}
}

// reverse returns the answer to f.
func (w *world) reverse(f flow) flow {
	b := f
	b.src, b.dst, b.srcPort, b.dstPort = f.dst, f.src, f.dstPort, f.srcPort
	b.pktSrc, b.pktDst = b.src, b.dst
	b.srcSvc, b.dstSvc = f.dstSvc, ""
	b.egress = !f.egress
	b.packets, b.bytes = w.amount()
	b.trafficPath = 0
	if b.egress {
		b.trafficPath = 1
	}
	return b
}
