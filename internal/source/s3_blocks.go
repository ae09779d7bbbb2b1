package source

import (
	"io"
	"slices"
	"sync"
)

const (
	// blockSize is how much of an object is asked for at least, where it is
	// read here and there: a request costs as much as half a megabyte.
	blockSize = 1 << 20
	// blocksKept bounds the memory of one object.
	blocksKept = 8
)

// blocks reads something in blocks and keeps those that were used last. Safe for
// concurrent use.
type blocks struct {
	fetch func(p []byte, off int64) error

	mu   sync.Mutex
	kept []block // used last comes last
}

type block struct {
	off  int64
	data []byte
}

// readAt is ReadAt of something that has size bytes.
func (b *blocks) readAt(p []byte, off, size int64) (n int, err error) {
	if off < 0 {
		return 0, io.EOF
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for n < len(p) {
		at := off + int64(n)
		if at >= size {
			return n, io.EOF
		}
		data, err := b.block(at-at%blockSize, size)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], data[at%blockSize:])
	}
	return n, nil
}

// block returns the block at off. The caller holds the lock.
func (b *blocks) block(off, size int64) ([]byte, error) {
	if i := slices.IndexFunc(b.kept, func(k block) bool { return k.off == off }); i >= 0 {
		k := b.kept[i]
		b.kept = append(slices.Delete(b.kept, i, i+1), k)
		return k.data, nil
	}
	data := make([]byte, min(blockSize, size-off))
	if err := b.fetch(data, off); err != nil {
		return nil, err
	}
	if len(b.kept) == blocksKept {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
	b.kept = append(b.kept, block{off, data})
	return data, nil
}
