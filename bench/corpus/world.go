package corpus

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
)

// The size of the estate.
const (
	accounts        = 6
	vpcs            = 12
	subnetsV4       = 37 // of a VPC at most
	subnetsV6       = 5  // of a VPC
	interfacesInVPC = 200
	popularPeers4   = 4000
	popularPeers6   = 400
)

var regions = [...]struct{ name, zone string }{{"eu-west-1", "euw1-az"}, {"us-east-1", "use1-az"}}

// eni is a network interface: one log stream.
type eni struct {
	id, vpc, subnet, instance string
	account, region, zone     string
	v4, v6                    netip.Addr
	vpcIndex                  int
}

// world is the estate whose traffic is logged.
type world struct {
	Options
	rng        *rand.Rand
	subnets    []netip.Prefix
	interfaces []*eni
	byVPC      [][]*eni
	peers4     []netip.Addr // of the internet
	peers6     []netip.Addr
	clock      int64 // Unix seconds; advances with the envelopes
}

func newWorld(o Options) *world {
	w := &world{Options: o, rng: rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)), byVPC: make([][]*eni, vpcs), clock: 1718000000}
	var owners [accounts]string
	for i := range owners {
		owners[i] = strconv.FormatInt(100000000000+w.rng.Int64N(900000000000), 10)
	}
	var nested []netip.Prefix
	for v := range vpcs {
		nested = append(nested, w.addVPC(v, owners[v%accounts])...)
	}
	w.rng.Shuffle(len(w.subnets), func(i, j int) { w.subnets[i], w.subnets[j] = w.subnets[j], w.subnets[i] })
	w.subnets = append(nested, w.subnets...)
	w.rng.Shuffle(len(w.interfaces), func(i, j int) {
		w.interfaces[i], w.interfaces[j] = w.interfaces[j], w.interfaces[i]
	})
	for range popularPeers4 {
		w.peers4 = append(w.peers4, w.stranger())
	}
	for range popularPeers6 {
		w.peers6 = append(w.peers6, w.stranger6())
	}
	return w
}

// addVPC adds 10.(16v).0.0/16 with its subnets and interfaces, and returns the
// subnets that are nested in others.
func (w *world) addVPC(v int, account string) (nested []netip.Prefix) {
	id := hexID(w.rng, "vpc-")
	v4, nested := w.cutV4(uint32(10)<<24 | uint32(v*16)<<16)
	v6 := w.cutV6(v)
	w.subnets = append(append(w.subnets, v4...), v6...)
	ids := make([]string, len(v4))
	for i := range ids {
		ids[i] = hexID(w.rng, "subnet-")
	}
	region := regions[v%len(regions)]
	for range interfacesInVPC {
		s := w.rng.IntN(len(v4))
		e := &eni{
			vpc: id, subnet: ids[s], account: account,
			region: region.name, zone: region.zone + strconv.Itoa(1+s%3), vpcIndex: v,
		}
		e.id, e.instance = hexID(w.rng, "eni-"), hexID(w.rng, "i-")
		e.v4 = addr4(u32(v4[s].Addr()) + 4 + uint32(w.rng.IntN(int(size4(v4[s].Bits())-5))))
		e.v6 = in6(w.rng, v6[w.rng.IntN(len(v6))])
		w.interfaces = append(w.interfaces, e)
		w.byVPC[v] = append(w.byVPC[v], e)
	}
	return nested
}

// cutV4 cuts a /16 into subnets of usual sizes; a few have another one nested.
func (w *world) cutV4(base uint32) (list, nested []netip.Prefix) {
	cursor := base
	for range subnetsV4 {
		bits := []int{24, 24, 24, 24, 24, 24, 22, 22, 20, 26, 28}[w.rng.IntN(11)]
		size := size4(bits)
		cursor = (cursor + size - 1) &^ (size - 1)
		if cursor+size > base+1<<16 {
			break
		}
		if bits == 20 && w.rng.IntN(4) == 0 {
			nested = append(nested, netip.PrefixFrom(addr4(cursor+256), 24))
		}
		list = append(list, netip.PrefixFrom(addr4(cursor), bits))
		cursor += size
	}
	return list, nested
}

func (w *world) cutV6(v int) (list []netip.Prefix) {
	for s := range subnetsV6 {
		b := [16]byte{0x2a, 0x05, 0xd0, 0x18, 0x0c, byte(v), byte(w.rng.IntN(256)), byte(s)}
		list = append(list, netip.PrefixFrom(netip.AddrFrom16(b), 64))
	}
	return list
}

// stranger returns a random public address.
func (w *world) stranger() netip.Addr {
	for {
		a := addr4(w.rng.Uint32())
		b := a.As4()
		if b[0] > 0 && b[0] != 10 && b[0] != 127 && b[0] < 224 {
			return a
		}
	}
}

func (w *world) stranger6() netip.Addr {
	b := [16]byte{0x26, 0x00, 0x1f, byte(w.rng.IntN(256)), byte(w.rng.IntN(256)), byte(w.rng.IntN(256))}
	binary.BigEndian.PutUint64(b[8:], w.rng.Uint64()>>uint(w.rng.IntN(48)))
	return netip.AddrFrom16(b)
}
