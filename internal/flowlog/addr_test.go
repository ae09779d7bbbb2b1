package flowlog

import (
	"net/netip"
	"testing"
)

// addrs are addresses and what is nearly one.
var addrs = []string{
	"0.0.0.0", "10.0.0.1", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4",
	"1.2.3.00", "1.2.3.4 ", "+1.2.3.4", "-", "", ".", ":", "a", "1",
	"::", "::1", "1::", "1::2", "2001:db8:1234:a100:8d6e:3477:df66:f105", "2001:DB8::A", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1::2::3", ":::", "1:::2", ":1", "1:", ":1:2:3:4:5:6:7",
	"12345::", "g::", "::ffff:1.2.3.4", "::FFFF:255.255.255.255", "::ffff:1.2.3", "::ffff:1.2.3.4.5", "::1.2.3.4", "64:ff9b::1.2.3.4",
	"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "::1.2.3.04", "fe80::1%eth0", "1.2.3.4%eth0", "::ffff:0102:0304",
	"0000:0000:0000:0000:0000:0000:0000:0001", "00000::1", "1:2:3:4:5:6:7:", "::%", "1.2.3.4\x00",
}

func checkAddr(t *testing.T, text string) {
	t.Helper()
	want, err := netip.ParseAddr(text)
	wantOK := err == nil && want.Zone() == ""
	got, ok := parseAddr([]byte(text))
	if ok != wantOK || ok && got != want.Unmap() {
		t.Errorf("%q is read as %v %v, netip reads %v, %v", text, got, ok, want, err)
	}
}

func TestAddrEqualsNetip(t *testing.T) {
	for _, text := range addrs {
		checkAddr(t, text)
	}
}

func TestMappedAddrIsIPv4(t *testing.T) {
	if got, ok := parseAddr([]byte("::ffff:192.0.2.1")); !ok || got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%v %v", got, ok)
	}
}

func FuzzAddr(f *testing.F) {
	for _, text := range addrs {
		f.Add(text)
	}
	f.Fuzz(checkAddr)
}

// FuzzAddrText writes addresses from their octets: nearly all inputs are good.
func FuzzAddrText(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add([]byte("0123456789abcdef"))
	f.Add([]byte{10, 0, 0, 1})
	f.Fuzz(func(t *testing.T, octets []byte) {
		if a, ok := netip.AddrFromSlice(octets); ok {
			checkAddr(t, a.String())
			checkAddr(t, a.StringExpanded())
		}
	})
}
