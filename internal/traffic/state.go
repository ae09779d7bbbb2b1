package traffic

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// errState says that bytes are not what AppendState wrote.
var errState = errors.New("the totals in the state are damaged")

// StateName names the totals in a snapshot.
func (t *Totals) StateName() string { return "traffic" }

// AppendState appends the totals of all subnets: for each its identity, when it
// was born, and its counters. The caller holds the ledger.
func (t *Totals) AppendState(b []byte) []byte { return t.FreezeState()(b) }

// FreezeState copies the totals, under the ledger. What it returns appends them
// as AppendState does, once, without.
func (t *Totals) FreezeState() func(b []byte) []byte {
	f := t.Freeze()
	return func(b []byte) []byte {
		defer f.Release()
		return f.appendState(b)
	}
}

func (f *Frozen) appendState(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(numClasses))
	for i := range f.rows {
		r := &f.rows[i]
		b = appendText(b, r.Subnet.VPCID)
		b = appendText(b, r.Subnet.CIDR)
		b = binary.AppendVarint(b, r.Created.UnixNano())
		for c := range f.counts[i] {
			a := &f.counts[i][c]
			b = binary.AppendUvarint(b, a.Bytes)
			b = binary.AppendUvarint(b, a.Packets)
			b = binary.AppendUvarint(b, a.Flows)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// RestoreState takes the totals from a snapshot. Their subnets are known by
// identity only, until SetSubnets says which of them still are. On an error the
// totals stay as they are.
func (t *Totals) RestoreState(b []byte) error {
	r := reader{rest: b}
	if classes := r.uvarint(); classes != uint64(numClasses) {
		return errState
	}
	var rows []Row
	var subnets []*flow.Subnet
	byKey := map[flow.Key]int{}
	for len(r.rest) > 0 && !r.damaged {
		row := Row{Subnet: &flow.Subnet{VPCID: r.text(), CIDR: r.text(), Slot: len(rows)}, Created: time.Unix(0, r.varint())}
		for c := range row.Counts {
			row.Counts[c] = Amount{Bytes: r.uvarint(), Packets: r.uvarint(), Flows: r.uvarint()}
		}
		if _, twice := byKey[row.Subnet.Key()]; twice {
			return errState
		}
		byKey[row.Subnet.Key()] = len(rows)
		rows, subnets = append(rows, row), append(subnets, row.Subnet)
	}
	if r.damaged {
		return errState
	}
	t.rows, t.byKey, t.labels = rows, byKey, &labelled{subnets: subnets}
	return nil
}

// ResetState begins all totals anew: at 0, born now. The rows are new ones, for
// who has frozen them still reads when they were born.
func (t *Totals) ResetState() {
	rows, now := make([]Row, len(t.rows)), t.now()
	for i := range rows {
		rows[i] = Row{Subnet: t.rows[i].Subnet, Created: now}
	}
	t.rows = rows
}

// reader takes values off the front of rest. After damage it gives zeros.
type reader struct {
	rest    []byte
	damaged bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.drop(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.drop(n)
	return v
}

// drop takes off a number of n bytes; 0 or less is encoding/binary's word for
// damage.
func (r *reader) drop(n int) {
	if n <= 0 {
		r.rest, r.damaged = nil, true
		return
	}
	r.rest = r.rest[n:]
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.rest, r.damaged = nil, true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
