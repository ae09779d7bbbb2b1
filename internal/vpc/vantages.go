package vpc

import (
	"hash/maphash"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// vantages remembers the vantages of the interfaces met last.
type vantages struct {
	table *Table
	seed  maphash.Seed
	sets  []set
	odd   vantage // one whose name is too long to be remembered
	last  *vantage
}

// numSets is how many sets there are: 2,048 vantages at most, which take 256
// bytes each.
const numSets = 512

// set holds the vantages whose interfaces hash alike; a new one takes the place
// of the oldest.
type set struct {
	tags   [4]uint32 // other bits of the hash, so that few are compared in vain
	kept   [4]*vantage
	oldest uint8
}

// turn forgets all vantages; those to come are of the table.
func (c *vantages) turn(t *Table) {
	if c.sets == nil {
		c.sets, c.seed = make([]set, numSets), maphash.MakeSeed()
	}
	for i := range c.sets {
		for _, v := range c.sets[i].kept {
			if v != nil {
				*v = vantage{}
			}
		}
	}
	c.odd = vantage{}
	c.table, c.last = t, &c.odd
}

// of returns the vantage of a record. It is valid until the next call.
func (c *vantages) of(rec *flow.Record) *vantage {
	if !c.last.name.is(rec) {
		c.last = c.find(rec)
	}
	return c.last
}

func (c *vantages) find(rec *flow.Record) *vantage {
	hash := maphash.Bytes(c.seed, rec.InterfaceID)
	s, tag := &c.sets[hash%numSets], uint32(hash>>32)
	for i, t := range s.tags {
		if t == tag && s.kept[i] != nil && s.kept[i].name.is(rec) {
			return s.kept[i]
		}
	}
	seen := c.table.see(rec)
	v := &c.odd
	if seen.name.keep(rec) {
		v = s.replace(tag)
	}
	*v = seen
	return v
}

// replace gives the place of the oldest vantage to a new one.
func (s *set) replace(tag uint32) *vantage {
	i := s.oldest
	s.oldest = (i + 1) % uint8(len(s.kept))
	s.tags[i] = tag
	if s.kept[i] == nil {
		s.kept[i] = new(vantage)
	}
	return s.kept[i]
}
