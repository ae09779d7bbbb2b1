package traffic

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// labelled are the labels of a list of subnets as they stand in each line. They
// are written once, when first asked for, which is not under the ledger.
type labelled struct {
	subnets []*flow.Subnet // by slot
	once    sync.Once
	sorted  []label
}

// label is the labels of one subnet, up to the value of the line.
type label struct {
	text string
	slot int
}

// all returns the labels in the order of the lines. It is safe for concurrent use.
func (l *labelled) all() []label {
	l.once.Do(l.write)
	return l.sorted
}

func (l *labelled) write() {
	keys := make([]flow.Key, len(l.subnets))
	l.sorted = make([]label, len(l.subnets))
	for slot, s := range l.subnets {
		keys[slot], l.sorted[slot].slot = flow.Key{VPCID: valid(s.VPCID), CIDR: valid(s.CIDR)}, slot
	}
	slices.SortFunc(l.sorted, func(a, b label) int {
		x, y := &keys[a.slot], &keys[b.slot]
		return cmp.Or(cmp.Compare(x.CIDR, y.CIDR), cmp.Compare(x.VPCID, y.VPCID))
	})
	var text strings.Builder // one for all, so that they follow each other in memory
	ends := make([]int, len(l.sorted))
	for i := range l.sorted {
		key := &keys[l.sorted[i].slot]
		text.WriteString(`subnet="`)
		_, _ = escaper.WriteString(&text, key.CIDR)
		text.WriteString(`",vpc_id="`)
		_, _ = escaper.WriteString(&text, key.VPCID)
		text.WriteString(`"} `)
		ends[i] = text.Len()
	}
	begin := 0
	for i, end := range ends {
		l.sorted[i].text, begin = text.String()[begin:end], end
	}
}

// valid replaces what is no UTF-8, which would spoil the whole page.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// escaper escapes what means something within a label value.
var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
