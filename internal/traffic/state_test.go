package traffic

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// counted returns totals of three subnets with traffic.
func counted() *Totals {
	t, subnets := New(), book("10.0.0.0/24", "10.0.1.0/24", "2001:db8::/64")
	t.SetSubnets(subnets)
	observe(t, record(subnets[0], flow.Egress, flow.Accept, 100, 1<<63), record(subnets[2], flow.Ingress, flow.Reject, 1, 40))
	return t
}

// values returns the rows as values.
func values(t *Totals) (rows []any) {
	for _, r := range t.Rows() {
		rows = append(rows, []any{r.Subnet.Key(), r.Counts, r.Created.UnixNano()})
	}
	return rows
}

func TestTotalsSurviveARestart(t *testing.T) {
	before, after := counted(), New()
	if err := after.RestoreState(before.AppendState(nil)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(before), values(after)); diff != "" {
		t.Error(diff)
	}
	// The address book then says which of the subnets still are.
	after.SetSubnets(book("10.0.0.0/24", "10.0.7.0/24"))
	rows := after.Rows()
	if got := rows[0]; got.Counts[Sent].Packets != 100 || !got.Created.Equal(before.rows[0].Created) {
		t.Errorf("a subnet that stayed: %+v", got)
	}
	if got := rows[1]; got.Counts != (Counts{}) || len(rows) != 2 {
		t.Errorf("a new subnet: %+v of %d", got, len(rows))
	}
}

func TestResetBeginsANewLife(t *testing.T) {
	totals := counted()
	later := time.Now().Add(time.Hour)
	totals.now = func() time.Time { return later }
	totals.ResetState()
	for _, r := range totals.Rows() {
		if r.Counts != (Counts{}) || !r.Created.Equal(later) {
			t.Errorf("%+v", r)
		}
	}
}

// FuzzRestoreState: damage is an error or totals that write themselves again
// the same, and never a panic. After an error nothing has changed.
func FuzzRestoreState(f *testing.F) {
	whole := counted().AppendState(nil)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte{})
	f.Add([]byte{4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		totals := counted()
		before := values(totals)
		if err := totals.RestoreState(data); err != nil {
			if diff := cmp.Diff(before, values(totals)); diff != "" {
				t.Error(diff)
			}
			return
		}
		again := New()
		if err := again.RestoreState(totals.AppendState(nil)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values(totals), values(again)); diff != "" {
			t.Error(diff)
		}
	})
}
