package ledger

import (
	"bytes"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
)

// frailDisk is a disk in memory that can lose its power. It remembers what was
// made durable and what was only written; crash decides by chance what of the
// latter survives: every name on its own, in any order, and every sector.
type frailDisk struct {
	live    map[string]*node // what processes see
	durable map[string]*node
	pending []change // of names, since they were last made durable
	ops     int

	before func()                                 // is called before every operation
	fault  func(op string) (err error, done bool) // makes an operation fail, done all the same or not
}

// node is a file without its names.
type node struct {
	live, synced []byte
	dirty        bool
	lost         bool // a Sync has failed: no later one brings back what it forgot
}

// change is one step of a name: to a node, or to none.
type change struct {
	name string
	node *node
	with int  // a removal by a rename is not on disk before this change; else -1
	lost bool // a SyncDir has failed
}

func newFrailDisk() *frailDisk {
	return &frailDisk{live: map[string]*node{}, durable: map[string]*node{}}
}

// op counts an operation, and reports whether it is to be done and what it says.
func (d *frailDisk) op(name string) (do bool, err error) {
	if d.before != nil {
		d.before()
	}
	d.ops++
	if d.fault == nil {
		return true, nil
	}
	err, do = d.fault(name)
	return err == nil || do, err
}

func (d *frailDisk) set(name string, n *node, with int) int {
	if n == nil {
		delete(d.live, name)
	} else {
		d.live[name] = n
	}
	d.pending = append(d.pending, change{name: name, node: n, with: with})
	return len(d.pending) - 1
}

func (d *frailDisk) Mkdir(string) error { return nil }

func (d *frailDisk) Create(name string) (file, error) {
	if d.live[name] != nil {
		return nil, fs.ErrExist
	}
	do, err := d.op("create")
	if do {
		d.set(name, &node{}, -1)
	}
	if err != nil {
		return nil, err
	}
	return &frailFile{disk: d, node: d.live[name]}, nil
}

func (d *frailDisk) Open(name string) (file, error) {
	if d.live[name] == nil {
		return nil, fs.ErrNotExist
	}
	if _, err := d.op("open"); err != nil {
		return nil, err
	}
	return &frailFile{disk: d, node: d.live[name], rest: bytes.NewReader(d.live[name].live)}, nil
}

func (d *frailDisk) Rename(from, to string) error {
	n := d.live[from]
	if n == nil {
		return fs.ErrNotExist
	}
	do, err := d.op("rename")
	if do && d.live[to] != n { // two names of one file both stay
		d.set(from, nil, d.set(to, n, -1))
	}
	return err
}

func (d *frailDisk) Link(from, to string) error {
	switch {
	case d.live[from] == nil:
		return fs.ErrNotExist
	case d.live[to] != nil:
		return fs.ErrExist
	}
	do, err := d.op("link")
	if do {
		d.set(to, d.live[from], -1)
	}
	return err
}

func (d *frailDisk) Remove(name string) error {
	if d.live[name] == nil {
		return fs.ErrNotExist
	}
	do, err := d.op("remove")
	if do {
		d.set(name, nil, -1)
	}
	return err
}

// SyncDir makes the steps of every name durable up to its last one. Steps that
// a failed SyncDir has forgotten stay in doubt until a later step follows.
func (d *frailDisk) SyncDir(string) error {
	do, err := d.op("syncdir")
	if err != nil && !do {
		for i := range d.pending {
			d.pending[i].lost = true
		}
		return err
	}
	last := map[string]int{}
	for i, c := range d.pending {
		if !c.lost {
			last[c.name] = i
			d.put(d.durable, c)
		}
	}
	var doubtful []change
	stays := map[int]int{} // where the doubtful ones go
	for i, c := range d.pending {
		if at, ok := last[c.name]; c.lost && (!ok || i > at) {
			if with, ok := stays[c.with]; ok {
				c.with = with
			} else {
				c.with = -1
			}
			stays[i] = len(doubtful)
			doubtful = append(doubtful, c)
		}
	}
	d.pending = doubtful
	return err
}

func (d *frailDisk) put(names map[string]*node, c change) {
	if c.node == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.node
	}
}

// frailFile is an open file of a frailDisk.
type frailFile struct {
	disk *frailDisk
	node *node
	rest *bytes.Reader
}

func (f *frailFile) Read(b []byte) (int, error) { return f.rest.Read(b) }

// Write writes half where it fails, as a full disk does.
func (f *frailFile) Write(b []byte) (int, error) {
	_, err := f.disk.op("write")
	if err != nil {
		b = b[:len(b)/2]
	}
	f.node.live, f.node.dirty = append(slices.Clip(f.node.live), b...), true
	return len(b), err
}

func (f *frailFile) Sync() error {
	do, err := f.disk.op("sync")
	switch {
	case err != nil:
		f.node.lost = f.node.dirty
	case do && !f.node.lost:
		f.node.synced, f.node.dirty = f.node.live, false
	}
	return err
}

func (f *frailFile) Close() error {
	_, err := f.disk.op("close")
	return err
}

// crash returns the disk as it may be found after a power loss now.
func (d *frailDisk) crash(random *rand.Rand) *frailDisk {
	steps := map[string][]int{}
	for i, c := range d.pending {
		steps[c.name] = append(steps[c.name], i)
	}
	reached := map[string]int{} // steps of the name that survive
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		reached[name] = random.IntN(len(steps[name]) + 1)
	}
	for again := true; again; { // a rename does not lose the file
		again = false
		for name, n := range reached {
			if n == 0 {
				continue
			}
			with := d.pending[steps[name][n-1]].with
			if with < 0 {
				continue
			}
			to := d.pending[with].name
			if need := slices.Index(steps[to], with) + 1; reached[to] < need {
				reached[to], again = need, true
			}
		}
	}
	names := maps.Clone(d.durable)
	for name, n := range reached {
		if n > 0 {
			d.put(names, d.pending[steps[name][n-1]])
		}
	}
	found, same := newFrailDisk(), map[*node]*node{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := names[name]
		if same[n] == nil {
			content := n.survive(random)
			same[n] = &node{live: content, synced: content}
		}
		found.live[name], found.durable[name] = same[n], same[n]
	}
	return found
}

const sector = 512

// survive returns what of the content is found after a power loss: all, what
// was synced, or of every sector the new, the old, zeros or noise.
func (n *node) survive(random *rand.Rand) []byte {
	how := random.IntN(4)
	if !n.dirty || how == 0 {
		return n.synced
	}
	if how == 1 {
		return n.live
	}
	found := slices.Clone(n.live[:len(n.synced)+random.IntN(len(n.live)-len(n.synced)+1)])
	for at := 0; at < len(found); at += sector {
		part := found[at:min(at+sector, len(found))]
		switch random.IntN(4) {
		case 0:
			clear(part)
			copy(part, n.synced[min(at, len(n.synced)):])
		case 1:
			clear(part)
		case 2:
			for i := range part {
				part[i] = byte(random.Uint32())
			}
		}
	}
	return found
}

// killed returns the disk as the next process finds it when this one is killed:
// nothing is lost, and nothing more is durable.
func (d *frailDisk) killed() *frailDisk {
	same := map[*node]*node{}
	clone := func(n *node) *node {
		if n == nil {
			return nil
		}
		if same[n] == nil {
			same[n] = &node{n.live, n.synced, n.dirty, n.lost}
		}
		return same[n]
	}
	next := newFrailDisk()
	for name, n := range d.live {
		next.live[name] = clone(n)
	}
	for name, n := range d.durable {
		next.durable[name] = clone(n)
	}
	for _, c := range d.pending {
		c.node = clone(c.node)
		next.pending = append(next.pending, c)
	}
	return next
}

// names are the files that processes see, without their directory.
func (d *frailDisk) names() (names []string) {
	for name := range d.live {
		names = append(names, filepath.Base(name))
	}
	slices.Sort(names)
	return names
}
