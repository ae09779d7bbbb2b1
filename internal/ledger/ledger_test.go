package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// total is a section: one counter.
type total struct {
	n    uint64
	life int
}

func (t *total) StateName() string           { return "total" }
func (t *total) AppendState(b []byte) []byte { return binary.AppendUvarint(b, t.n) }
func (t *total) ResetState()                 { t.n, t.life = 0, t.life+1 }
func (t *total) RestoreState(b []byte) error {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return errors.New("damaged")
	}
	t.n = n
	return nil
}

// shelf is a store that keeps what it is given, and fails when told to.
type shelf struct {
	mu   sync.Mutex
	kept []*Snapshot
	err  error
}

func (s *shelf) Save(snapshot *Snapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.kept = append(s.kept, snapshot.clone())
	return nil
}

// clone copies a snapshot, of which a store may keep nothing.
func (s *Snapshot) clone() *Snapshot {
	copied := &Snapshot{s.Generation, slices.Clone(s.Places), slices.Clone(s.Sections)}
	for i := range copied.Sections {
		copied.Sections[i].Data = bytes.Clone(copied.Sections[i].Data)
	}
	return copied
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// kept is a ledger of one counter, and what of it is public.
type kept struct {
	*Ledger
	*total
	shelf  *shelf
	public uint64
}

func newKept() *kept {
	k := &kept{total: &total{}, shelf: &shelf{}}
	k.Ledger = &Ledger{Store: k.shelf, Sections: []Section{k.total}, Logger: slog.New(slog.DiscardHandler), Present: func() func() {
		frozen := k.n
		return func() { k.public = frozen }
	}}
	return k
}

// count lets one body of a shard count.
func (k *kept) count(shard string, sequence int) {
	k.Apply("kinesis", flow.Place{Partition: shard, Position: strconv.Itoa(sequence)}, func() { k.n++ })
}

// TestEverySnapshotIsOneState commits while bodies are counted: in each
// snapshot the total is what its places say, and generations follow each other.
func TestEverySnapshotIsOneState(t *testing.T) {
	k := newKept()
	var writers sync.WaitGroup
	for _, shard := range []string{"a", "b", "c"} {
		writers.Go(func() {
			for i := 1; i <= 500; i++ {
				k.count(shard, i)
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if err := k.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range k.shelf.kept {
		sum := uint64(0)
		for _, p := range s.Places {
			n, _ := strconv.ParseUint(p.Position, 10, 64)
			sum += n
		}
		if n, _ := binary.Uvarint(s.Sections[0].Data); n != sum || s.Generation != uint64(i+1) {
			t.Fatalf("snapshot %d, generation %d: places say %d bodies, totals %d", i, s.Generation, sum, n)
		}
	}
	if k.public != 1500 {
		t.Errorf("%d public at the end, want 1500", k.public)
	}
}

// TestOnlyWhatIsDurableIsPublic: a commit that fails publishes nothing and
// loses nothing.
func TestOnlyWhatIsDurableIsPublic(t *testing.T) {
	k := newKept()
	k.count("a", 1)
	if err := k.Commit(); err != nil || k.public != 1 {
		t.Fatalf("public %d, %v", k.public, err)
	}
	full := errors.New("disk full")
	k.shelf.fail(full)
	k.count("a", 2)
	if err := k.Commit(); !errors.Is(err, full) || k.public != 1 {
		t.Errorf("public %d after a failed commit, %v", k.public, err)
	}
	if s := k.Status(); s.Failures != 1 || !s.Failing {
		t.Errorf("%+v", s)
	}
	k.shelf.fail(nil)
	if err := k.Commit(); err != nil || k.public != 2 || k.Status().Failing {
		t.Errorf("public %d after recovery, %v", k.public, err)
	}
	if n := len(k.shelf.kept); n != 2 {
		t.Errorf("%d snapshots kept, want 2", n)
	}
}

func TestNothingNewIsNotCommitted(t *testing.T) {
	k := newKept()
	for range 3 {
		if err := k.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(k.shelf.kept); n != 0 {
		t.Errorf("%d snapshots of nothing", n)
	}
}

// TestNothingNewIsNotWorkedFor: a commit without a change asks no section and
// presents nothing; news are presented, and not saved.
func TestNothingNewIsNotWorkedFor(t *testing.T) {
	k := newKept()
	presented, news := 0, false
	k.Present = func() func() { presented++; return func() {} }
	k.Stale = func() bool { return news }
	for range 3 {
		if err := k.Commit(); err != nil || presented > 0 {
			t.Fatalf("presented %d times, %v", presented, err)
		}
	}
	news = true
	if err := k.Commit(); err != nil || presented != 1 || len(k.shelf.kept) > 0 {
		t.Errorf("presented %d times, %d snapshots, %v", presented, len(k.shelf.kept), err)
	}
	news = false
	k.count("a", 1)
	if n := testing.AllocsPerRun(100, func() { _ = k.Commit() }); n > 0 {
		t.Errorf("%v allocations of a commit without a change", n)
	}
	if presented != 2 || len(k.shelf.kept) != 1 {
		t.Errorf("presented %d times, %d snapshots", presented, len(k.shelf.kept))
	}
}

// large is a section that is copied under the ledger and encoded later.
type large struct {
	total
	ledger *Ledger
	open   bool // the ledger was open when the copy was encoded
}

func (l *large) FreezeState() func([]byte) []byte {
	n := l.n
	return func(b []byte) []byte {
		if l.open = l.ledger.mu.TryLock(); l.open {
			l.n++ // a body counts meanwhile
			l.ledger.mu.Unlock()
		}
		return binary.AppendUvarint(b, n)
	}
}

// TestLargeSectionsAreEncodedWithoutTheLedger, and are what they were under it.
func TestLargeSectionsAreEncodedWithoutTheLedger(t *testing.T) {
	shelf := &shelf{}
	l := &Ledger{Store: shelf, Logger: slog.New(slog.DiscardHandler)}
	section := &large{ledger: l}
	l.Sections = []Section{section}
	for want := range uint64(3) {
		if err := l.Change(func() {}); err != nil || !section.open {
			t.Fatalf("open %v, %v", section.open, err)
		}
		if n, _ := binary.Uvarint(shelf.kept[want].Sections[0].Data); n != want {
			t.Errorf("%d, want %d", n, want)
		}
	}
}

// wide is a section of a megabyte, and wideLater one that is encoded later.
type (
	wide      struct{ total }
	wideLater struct{ wide }
)

func (*wide) AppendState(b []byte) []byte             { return slices.Grow(b, 1<<20)[:1<<20] }
func (w *wideLater) FreezeState() func([]byte) []byte { return w.AppendState }

// TestCommitsUseTheirBuffersAgain: sections of megabytes are encoded into those
// of the commit before.
func TestCommitsUseTheirBuffersAgain(t *testing.T) {
	for _, section := range []Section{&wide{}, &wideLater{}} {
		l := &Ledger{Store: Memory{}, Sections: []Section{section}}
		var before, after runtime.MemStats
		for round := range 12 {
			if round == 2 {
				runtime.ReadMemStats(&before)
			}
			if err := l.Change(func() {}); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / 10; each > 64<<10 {
			t.Errorf("%T: %d bytes a commit", section, each)
		}
	}
}

func TestAChangeIsCommittedAtOnce(t *testing.T) {
	k := newKept()
	if err := k.Change(func() { k.n = 7 }); err != nil || k.public != 7 {
		t.Errorf("public %d, %v", k.public, err)
	}
}

// TestReadingStopsWhileCommitsFail, and goes on when they succeed again. Both is said once.
func TestReadingStopsWhileCommitsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept()
		var said bytes.Buffer
		k.Logger = slog.New(slog.NewTextHandler(&said, nil))
		k.shelf.fail(errors.New("disk full"))
		for i := range MaxPending {
			if err := k.Admit(); err != nil {
				t.Fatal(err)
			}
			k.count("a", i)
		}
		_ = k.Commit()
		admitted := make(chan error, 1)
		go func() { admitted <- k.Admit() }()
		synctest.Wait()
		select {
		case err := <-admitted:
			t.Fatalf("admitted beyond the bound: %v", err)
		default:
		}
		k.shelf.fail(nil)
		ctx := t.Context()
		stops := strings.Count(said.String(), "reading stops")
		go k.Run(ctx, time.Second, nil)
		if err := <-admitted; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if goesOn := strings.Count(said.String(), "reading goes on"); stops != 1 || goesOn != 1 {
			t.Errorf("said %d times that reading stops, %d times that it goes on:\n%s", stops, goesOn, &said)
		}
	})
}

// TestIntervalCanChange: from then on commits come by the new one.
func TestIntervalCanChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept()
		another := make(chan time.Duration)
		go k.Run(t.Context(), time.Hour, another)
		another <- time.Second
		k.count("a", 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if k.public != 1 {
			t.Errorf("%d are public after the new interval", k.public)
		}
	})
}

func TestACloseLetsNobodyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept()
		k.shelf.fail(errors.New("disk full"))
		for i := range MaxPending {
			k.count("a", i)
		}
		_ = k.Commit()
		admitted := make(chan error, 1)
		go func() { admitted <- k.Admit() }()
		synctest.Wait()
		k.Close()
		if err := <-admitted; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
		k.Close()
		k.shelf.fail(nil)
		if err := k.Commit(); err != nil || k.public != MaxPending {
			t.Errorf("the last commit: public %d, %v", k.public, err)
		}
	})
}

func TestRestoreGoesOn(t *testing.T) {
	before := newKept()
	before.count("a", 5)
	before.Of("kinesis").Pin("stream", "created 2026")
	before.Of("kinesis").Pin("gone", "x")
	before.Of("kinesis").Pin("gone", "")
	if err := before.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, anew := range []bool{false, true} {
		after := newKept()
		if err := after.Restore(before.shelf.kept[0], anew); err != nil {
			t.Fatal(err)
		}
		want := uint64(1)
		if anew {
			want = 0
		}
		if after.n != want || after.public != want || (after.life == 1) != anew {
			t.Errorf("anew %v: total %d, public %d, life %d", anew, after.n, after.public, after.life)
		}
		places := after.Of("kinesis")
		if p, ok := places.Place("a"); !ok || p != "5" {
			t.Errorf("place %q, %v", p, ok)
		}
		if p, ok := places.Place("stream"); !ok || p != "created 2026" {
			t.Errorf("pin %q, %v", p, ok)
		}
		if _, ok := places.Place("gone"); ok {
			t.Error("a forgotten pin came back")
		}
		after.count("a", 6)
		if err := after.Commit(); err != nil || after.shelf.kept[0].Generation != 2 {
			t.Errorf("generation %d, %v", after.shelf.kept[0].Generation, err)
		}
	}
}

func TestPlacesAreKeptBySource(t *testing.T) {
	var l Ledger
	l.Apply("one", flow.Place{Partition: "shard", Position: "7"}, func() {})
	l.Apply("one", flow.Place{}, func() {})
	if _, ok := l.Of("two").Place("shard"); ok {
		t.Error("a place of one source shows in another")
	}
	if len(l.places) != 1 {
		t.Errorf("a body without a partition left a place: %v", l.places)
	}
}
