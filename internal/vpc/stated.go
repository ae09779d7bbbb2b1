package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// stated is where a record was placed that states its direction: at its interface
// all records are of the same subnet that do so and have the same own end.
type stated struct {
	own     netip.Addr
	subnet  *flow.Subnet
	several bool
}

// note remembers where a record was placed that states its direction.
func (v *vantage) note(rec *flow.Record) {
	own := ownEnd(rec)
	v.stated[flow.FamilyOf(own)] = stated{own, rec.Subnet, rec.Ambiguous}
}

// restate places records of one interface as the last one that stated its
// direction was, and returns how many: up to one with another own end, or that may
// be of another interface.
func (v *vantage) restate(recs []flow.Record) (n int) {
	var names *flow.Names
	var usual [2]*stated // by address family, those whose own end is the usual one of the names
	for ; n < len(recs); n++ {
		rec := &recs[n]
		if rec.Direction == flow.DirectionUnknown {
			break
		}
		if rec.Names != names {
			if n > 0 && !namedAlike(rec, &recs[n-1]) {
				break
			}
			names, usual = rec.Names, v.usuallyStated(rec.Names)
		}
		s := usual[flow.FamilyOf(rec.Src)]
		if s == nil || rec.UsualEnd != rec.Direction {
			own := ownEnd(rec)
			if s = &v.stated[flow.FamilyOf(own)]; s.subnet == nil || s.own != own {
				break
			}
		}
		rec.Subnet, rec.Ambiguous = s.subnet, s.several
	}
	return n
}

// usuallyStated returns where records were placed whose own end is the usual one
// of the names, by address family.
func (v *vantage) usuallyStated(names *flow.Names) (usual [2]*stated) {
	for family := range v.stated {
		if s := &v.stated[family]; s.subnet != nil && s.own == names.Usual[family] {
			usual[family] = s
		}
	}
	return usual
}

// ownEnd is the address at which a record was made that states its direction.
func ownEnd(rec *flow.Record) netip.Addr {
	if rec.Direction == flow.Ingress {
		return rec.Dst
	}
	return rec.Src
}
