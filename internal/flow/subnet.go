package flow

import "net/netip"

// Subnet is one subnet of the address book. It is immutable once the book has
// published it and safe for concurrent use.
type Subnet struct {
	// CIDR is the text of the subnet label: the IPv4 range where the subnet
	// has one, else the IPv6 range.
	CIDR string
	// Prefixes are all ranges of the subnet, of both families.
	Prefixes []netip.Prefix
	// ID, VPCID, AZID, AccountID and Name are empty where unknown.
	ID, VPCID, AZID, AccountID, Name string
	// Slot is the index of the subnet in the list that was published with it.
	Slot int
}

// Key identifies a subnet's series over refreshes of the address book.
type Key struct{ VPCID, CIDR string }

// Key returns the identity of the subnet's series.
func (s *Subnet) Key() Key { return Key{s.VPCID, s.CIDR} }
