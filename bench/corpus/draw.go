package corpus

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"net/netip"
)

// hexID returns an id as AWS makes them: a prefix and 17 hexadecimal digits.
func hexID(r *rand.Rand, prefix string) string {
	const digits = "0123456789abcdef"
	var b [17]byte
	for i := range b {
		b[i] = digits[r.IntN(16)]
	}
	return prefix + string(b[:])
}

// skewed returns an index below n; low ones are common.
func skewed(r *rand.Rand, n int) int {
	u := r.Float64()
	return int(float64(n) * u * u * u)
}

// randBits returns a random number of at most n bits.
func randBits(r *rand.Rand, n uint) *big.Int {
	z := new(big.Int)
	for range (n + 63) / 64 {
		z.Or(z.Lsh(z, 64), new(big.Int).SetUint64(r.Uint64()))
	}
	return z.Rsh(z, uint(z.BitLen())-min(n, uint(z.BitLen())))
}

func addr4(v uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

func u32(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// size4 is how many addresses an IPv4 prefix has.
func size4(bits int) uint32 { return 1 << (32 - bits) }

// in6 returns an address inside the /64 p.
func in6(r *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Addr().As16()
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	return netip.AddrFrom16(b)
}
