package ledger

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"
)

const frailDir = "/state"

// run is a process that commits on a frail disk, and what Load may say after
// its end: nothing older than the last Save that returned nil.
type run struct {
	*testing.T
	disk  *frailDisk
	file  *File
	codec *codec      // of those who look while file is at work
	tried []*Snapshot // every snapshot that Save was given
	acked int         // of them, up to the last one that Save accepted
	tries int         // how often Load was asked
	from  map[Origin]int
	spare *codec
}

func newRun(t *testing.T, d *frailDisk) *run {
	t.Helper()
	r := &run{T: t, disk: d, codec: smallCodec(t), from: map[Origin]int{}}
	r.file = &File{disk: d, dir: frailDir, codec: smallCodec(t)}
	if _, origin, err := r.file.Load(); origin != Fresh || err != nil {
		t.Fatalf("an empty disk: %v, %v", origin, err)
	}
	return r
}

func smallCodec(t testing.TB) *codec {
	t.Helper()
	c, err := newCodec(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *run) open(d *frailDisk) *File { return &File{disk: d, dir: frailDir, codec: r.codec} }

func (r *run) save(s *Snapshot) error {
	r.tried = append(r.tried, s)
	err := r.file.Save(s)
	if err == nil {
		r.acked = len(r.tried)
	}
	return err
}

// check loads what a crash has left, and returns the File that did.
func (r *run) check(d *frailDisk) *File {
	r.Helper()
	f := r.open(d)
	s, origin, err := f.Load()
	if err != nil {
		r.Fatalf("after %d of %d commits, operation %d: %v", r.acked, len(r.tried), r.disk.ops, err)
	}
	r.tries++
	r.from[origin]++
	if origin == Fresh && r.acked == 0 {
		return f
	}
	for _, allowed := range r.tried[max(r.acked-1, 0):] {
		if same(s, allowed) {
			return f
		}
	}
	r.Fatalf("after %d of %d commits, operation %d: loaded %v generation %d (%v)",
		r.acked, len(r.tried), r.disk.ops, origin, s.Generation, f.Damage())
	return nil
}

// same compares all of two snapshots.
func same(a, b *Snapshot) bool {
	return a.Generation == b.Generation && bytes.Equal(appendSnapshot(nil, a), appendSnapshot(nil, b))
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 3)) }

// anySnapshot is one that looks like no other: up to 3 KiB that cannot be
// compressed.
func anySnapshot(random *rand.Rand, generation uint64) *Snapshot {
	s := &Snapshot{Generation: generation}
	for i := range random.IntN(5) {
		s.Places = append(s.Places, Place{"kinesis", fmt.Sprintf("shardId-%012d", i), fmt.Sprint(random.Uint64())})
	}
	for i := range 1 + random.IntN(3) {
		data := make([]byte, 8+random.IntN(1<<10))
		for j := range data {
			data[j] = byte(random.Uint32())
		}
		s.Sections = append(s.Sections, SectionState{fmt.Sprint("section", i), data})
	}
	return s
}

// faults are what file systems say.
var faults = map[string][]error{
	"create":  {syscall.ENOSPC, syscall.EROFS, syscall.EMFILE},
	"open":    {syscall.EIO},
	"write":   {syscall.ENOSPC, syscall.EIO, io.ErrShortWrite},
	"sync":    {syscall.EIO, syscall.ENOSPC},
	"close":   {syscall.EIO},
	"rename":  {syscall.EIO, syscall.ENOSPC},
	"link":    {syscall.EIO, syscall.ENOSPC, syscall.EPERM, syscall.EMLINK},
	"remove":  {syscall.EIO, syscall.EROFS},
	"syncdir": {syscall.EIO},
}

// failing makes one of n operations fail.
func failing(random *rand.Rand, n int) func(string) (error, bool) {
	return func(op string) (error, bool) {
		if random.IntN(n) > 0 {
			return nil, true
		}
		return faults[op][random.IntN(len(faults[op]))], random.IntN(2) == 0
	}
}

// refusing makes every operation of one kind fail.
func refusing(refused string, with error) func(string) (error, bool) {
	return func(op string) (error, bool) {
		if op == refused {
			return with, false
		}
		return nil, true
	}
}
