package demo

import (
	"fmt"
	"math/rand/v2"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// The traffic is made of rounds. A round writes whole conversations, and so
// many of them that whoever knows only the subnets can still tell which end an
// interface is: within a round, an interface whose records have both ends in
// the VPC talks with two peers, so that its own address is the one they share.

// The families of addresses, indexes into iface.addr.
const (
	ipv4 = iota
	ipv6
)

// crowd is a range of outside addresses by family, as a format.
type crowd [2]string

// All of the outside is in ranges reserved for documentation (RFC 5737, RFC 3849).
var (
	customers = crowd{"198.51.100.%d", "2001:db8:c::%x"}
	services  = crowd{"192.0.2.%d", "2001:db8:5::%x"}
	strangers = crowd{"203.0.113.%d", "2001:db8:bad::%x"}
)

func (c *crowd) member(r *rand.Rand, family int) string {
	return fmt.Sprintf(c[family], 1+r.IntN(254))
}

var (
	asking    = load{12, 220}
	answering = load{20, 1100}
	querying  = load{30, 180}
	rows      = load{40, 700}
	leaking   = load{6000, 1400}
)

// write is the one way a record with traffic is born.
func (v *VPC) write(at *iface, d flow.Direction, l *line) {
	v.truth.add(at.subnet, d, l)
	v.emit(at, l.start, string(l.appendTo(make([]byte, 0, 160), at.id)))
}

// inside writes the two records of what one interface sends to another.
func (v *VPC) inside(from, to *iface, l *line) {
	v.write(from, flow.Egress, l)
	v.write(to, flow.Ingress, l)
}

// family picks the family of a round: one in six is IPv6.
func (v *VPC) family() int {
	if v.rng.IntN(6) == 0 {
		return ipv6
	}
	return ipv4
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// pickTwo returns two different elements.
func pickTwo[T any](r *rand.Rand, from []T) [2]T {
	i, j := r.IntN(len(from)), r.IntN(len(from)-1)
	if j >= i {
		j++
	}
	return [2]T{from[i], from[j]}
}

// rounds are the everyday ones; of weight many, that many are of this kind.
var rounds = []struct {
	weight int
	write  func(*VPC)
}{
	{30, (*VPC).visit},
	{12, (*VPC).callApplications},
	{8, (*VPC).queryDatabases},
	{10, (*VPC).callServices},
	{10, (*VPC).probe},
	{1, (*VPC).silence},
}

// everyday writes a round of ordinary traffic.
func (v *VPC) everyday() {
	total := 0
	for _, r := range rounds {
		total += r.weight
	}
	n := v.rng.IntN(total)
	for _, r := range rounds {
		if n -= r.weight; n < 0 {
			r.write(v)
			return
		}
	}
}

// visit is a customer at a load balancer.
func (v *VPC) visit() {
	family, at := v.family(), pick(v.rng, v.balancers)
	request, reply := v.connection(customers.member(v.rng, family), at.addr[family], 443, asking, answering)
	v.write(at, flow.Ingress, request)
	v.write(at, flow.Egress, reply)
}

func (v *VPC) callApplications() { v.mesh(v.balancers, v.applications, 8080, asking, answering) }

func (v *VPC) queryDatabases() { v.mesh(v.applications, v.databases, 5432, querying, rows) }

// mesh connects two clients with two servers each.
func (v *VPC) mesh(clients, servers []*iface, port int, up, down load) {
	family, callees := v.family(), pickTwo(v.rng, servers)
	for _, client := range pickTwo(v.rng, clients) {
		for _, server := range callees {
			request, reply := v.connection(client.addr[family], server.addr[family], port, up, down)
			v.inside(client, server, request)
			v.inside(server, client, reply)
		}
	}
}

// callServices is an application that calls somebody on the internet.
func (v *VPC) callServices() {
	family := v.family()
	v.leave(pick(v.rng, v.applications), services.member(v.rng, family), family, asking, answering)
}

// leave connects an application with an outside address. IPv6 leaves directly,
// IPv4 by the NAT gateway, whose interface records every way once more on each
// of its sides, and there under the gateway's own address:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
func (v *VPC) leave(from *iface, to string, family int, up, down load) {
	request, reply := v.connection(from.addr[family], to, 443, up, down)
	v.write(from, flow.Egress, request)
	v.write(from, flow.Ingress, reply)
	if family == ipv6 {
		return
	}
	nat := v.gateways[from.zone]
	near, far, back, home := *request, *request, *reply, *reply
	near.dst, far.src = nat.addr[ipv4], nat.addr[ipv4]
	back.dst, home.src = nat.addr[ipv4], nat.addr[ipv4]
	v.write(nat, flow.Ingress, &near)
	v.write(nat, flow.Egress, &far)
	v.write(nat, flow.Ingress, &back)
	v.write(nat, flow.Egress, &home)
}

// doors are what strangers on the internet knock at.
var doors = []struct{ protocol, port int }{
	{tcp, 22}, {tcp, 23}, {tcp, 445}, {tcp, 3389}, {tcp, 5900}, {tcp, 6379}, {udp, 53}, {udp, 1900}, {udp, 5060},
}

// probe is one of the strangers that knock at every public address there is.
func (v *VPC) probe() { v.knock(pick(v.rng, v.balancers)) }

func (v *VPC) knock(at *iface) {
	family, door := v.family(), pick(v.rng, doors)
	v.write(at, flow.Ingress, v.refusal(strangers.member(v.rng, family), at.addr[family], door.protocol, door.port))
}

// silence is a window without traffic at an idle interface or, rarely, one
// that AWS lost at a busy interface.
func (v *VPC) silence() {
	at, status, count := pick(v.rng, v.idle), "NODATA", &v.truth.noData
	if v.rng.IntN(20) == 0 {
		at, status, count = pick(v.rng, v.balancers), "SKIPDATA", &v.truth.skipData
	}
	*count++
	start, end := v.window()
	v.emit(at, start, fmt.Sprintf("%s - - - - - - - %d %d - %s", appendIDs(nil, at.id), start, end, status))
}
