package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// TestPowerLossAtEveryOperation cuts the power before every operation of 200
// commits, several times with a different fate of what was not yet durable.
func TestPowerLossAtEveryOperation(t *testing.T) {
	const commits, fates = 200, 8
	for _, links := range []bool{true, false} {
		t.Run(fmt.Sprintf("links=%v", links), func(t *testing.T) {
			random := seeded(1)
			d := newFrailDisk()
			if !links {
				d.fault = refusing("link", syscall.EPERM)
			}
			r := newRun(t, d)
			prefixes, again := 0, 0
			d.before = func() {
				prefixes++
				for fate := range fates {
					found := d.crash(random)
					f := r.check(found)
					if fate == 0 && prefixes%8 == 0 {
						again += r.goOn(f, found, random)
					}
				}
			}
			for n := range uint64(commits) {
				if err := r.save(anySnapshot(random, n+1)); err != nil {
					t.Fatal(err)
				}
			}
			d.before()
			if links && r.from[Previous] > 0 {
				t.Errorf("%d times the newest generation was missing or damaged", r.from[Previous])
			}
			if got := d.names(); !slices.Equal(got, []string{"state", "state.1"}) {
				t.Errorf("files left: %q", got)
			}
			t.Logf("commits %d, prefixes %d, crash states %d (fresh %d, newest %d, previous %d), second crashes %d",
				commits, prefixes, r.tries, r.from[Fresh], r.from[Newest], r.from[Previous], again)
		})
	}
}

// goOn commits on what a crash has left, cuts the power again before every
// operation, and returns how often.
func (r *run) goOn(f *File, found *frailDisk, random *rand.Rand) int {
	r.Helper()
	before, _, err := r.open(found).Load()
	if err != nil {
		r.Fatal(err)
	}
	if r.spare == nil {
		r.spare = smallCodec(r)
	}
	next := &run{T: r.T, disk: found, file: f, codec: r.spare, tried: []*Snapshot{before}, from: map[Origin]int{}}
	if before.Generation > 0 {
		next.acked = 1
	}
	found.before = func() {
		next.check(found.crash(random))
		next.check(found.killed().crash(random))
	}
	if err := next.save(anySnapshot(random, before.Generation+1)); err != nil {
		r.Fatalf("after a crash: %v", err)
	}
	found.before()
	return next.tries
}

// TestKillThenPowerLoss kills the process before every operation, lets the next
// one load, and then cuts the power: what was loaded, and so was made public,
// is there still.
func TestKillThenPowerLoss(t *testing.T) {
	random := seeded(2)
	d := newFrailDisk()
	r := newRun(t, d)
	d.before = func() {
		for range 4 {
			next := d.killed()
			loaded, _, err := r.check(next), Fresh, error(nil)
			first, _, err := loaded.Load()
			if err != nil {
				t.Fatal(err)
			}
			if second, _, err := r.open(next.crash(random)).Load(); err != nil || !same(first, second) {
				t.Fatalf("operation %d: generation %d was loaded, then %v (%v)", d.ops, first.Generation, second, err)
			}
		}
	}
	for n := range uint64(50) {
		if err := r.save(anySnapshot(random, n+1)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("operations %d, kills %d", d.ops, r.tries)
}

// TestPowerLossWhileTheDiskFails lets one of twelve operations fail, done or
// not, and cuts the power before each. A fsync that fails forgets for ever what
// it should have written.
func TestPowerLossWhileTheDiskFails(t *testing.T) {
	const runs, commits = 20, 50
	tries, failed, prefixes := 0, 0, 0
	for seed := range uint64(runs) {
		random := seeded(100 + seed)
		d := newFrailDisk()
		r := newRun(t, d)
		fail := failing(random, 12)
		d.fault = fail
		d.before = func() {
			prefixes++
			for range 2 {
				r.check(d.crash(random))
				r.check(d.killed())
			}
		}
		for n := range uint64(commits) {
			if err := r.save(anySnapshot(random, n+1)); err != nil {
				failed++
				var problem *Problem
				if !errors.As(err, &problem) {
					t.Fatalf("an error without a remedy: %v", err)
				}
			}
		}
		d.fault = nil
		if err := r.save(anySnapshot(random, commits+1)); err != nil {
			t.Fatalf("seed %d: the disk is well again, and Save says %v", seed, err)
		}
		r.check(d.crash(random))
		tries += r.tries
	}
	if failed < runs*commits/10 {
		t.Errorf("only %d commits failed", failed)
	}
	t.Logf("commits %d, of them failed %d, prefixes %d, crash states %d", runs*(commits+1), failed, prefixes, tries)
}

// TestFailedOperation fails each operation of one Save: what was saved before
// is there at once and after a power loss, nothing is left over, and the next
// Save works and writes another file.
func TestFailedOperation(t *testing.T) {
	for op, errs := range faults {
		if op == "open" {
			continue // Save reads nothing
		}
		for _, fault := range errs {
			if withoutLinks(fault) {
				continue
			}
			t.Run(op+" "+fault.Error(), func(t *testing.T) {
				random := seeded(7)
				d := newFrailDisk()
				r := newRun(t, d)
				for n := range uint64(2) {
					if err := r.save(anySnapshot(random, n+1)); err != nil {
						t.Fatal(err)
					}
				}
				d.fault = refusing(op, fault)
				if err := r.save(anySnapshot(random, 3)); !errors.Is(err, fault) {
					t.Fatalf("Save = %v", err)
				}
				d.fault = nil
				if _, left := d.live[filepath.Join(frailDir, asideName)]; left && op != "remove" {
					t.Errorf("files left: %q", d.names())
				}
				for range 50 {
					r.check(d.crash(random))
				}
				r.check(d.killed())
				if err := r.save(anySnapshot(random, 4)); err != nil {
					t.Fatal(err)
				}
				for range 50 {
					r.check(d.crash(random))
				}
			})
		}
	}
}

// TestPowerLossAfterDamage commits on a directory whose newest generation is
// damaged: the previous one is not given up before the new one is durable.
func TestPowerLossAfterDamage(t *testing.T) {
	random := seeded(9)
	d := newFrailDisk()
	r := newRun(t, d)
	for n := range uint64(2) {
		if err := r.save(anySnapshot(random, n+1)); err != nil {
			t.Fatal(err)
		}
	}
	newest := d.live[filepath.Join(frailDir, newestName)]
	newest.live = slices.Clone(newest.live)
	newest.live[len(newest.live)/2] ^= 4
	newest.synced = newest.live
	r.acked = 1 // generation 2 is no more
	r.file = r.open(d)
	if s, origin, err := r.file.Load(); err != nil || origin != Previous || s.Generation != 1 || r.file.Damage() == nil {
		t.Fatalf("loaded %v, %v, %v, damage %v", s, origin, err, r.file.Damage())
	}
	d.before = func() {
		for range 20 {
			r.check(d.crash(random))
		}
	}
	if err := r.save(anySnapshot(random, 2)); err != nil {
		t.Fatal(err)
	}
	d.before()
	if r.from[Previous] == 0 || r.from[Newest] == 0 {
		t.Errorf("loaded %v", r.from)
	}
}
