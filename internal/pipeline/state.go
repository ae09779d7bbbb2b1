package pipeline

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// accountsVersion is the form of the accounts in a snapshot. What a later
// program counts besides stands at the end of its list and changes no form, for
// a list tells its length.
const accountsVersion = 1

// errAccounts says that bytes are not what AppendState wrote.
var errAccounts = errors.New("the accounts in the state are damaged, or of a newer program")

// StateName names the accounts in a snapshot.
func (a *Accounts) StateName() string { return "accounts" }

// AppendState appends what became of the records of all sources, and since
// when each was counted. The caller holds the ledger.
func (a *Accounts) AppendState(b []byte) []byte {
	b = binary.AppendUvarint(append(b, accountsVersion), uint64(len(a.sources)))
	for _, source := range slices.Sorted(maps.Keys(a.sources)) {
		s := a.sources[source]
		b = append(binary.AppendUvarint(b, uint64(len(source))), source...)
		b = binary.AppendVarint(b, s.born.UnixNano())
		b = appendList(b, []uint64{s.records, s.counted, s.unmatched, s.ambiguous})
		b = appendList(b, s.skipped[:])
		b = appendList(b, s.failures[:])
		b = s.delay.append(b)
		b = binary.AppendVarint(b, s.lastEnd)
	}
	return b
}

// RestoreState takes the accounts from a snapshot. Sources that only the
// snapshot knows are kept, for counters must not vanish; sources that it does
// not know stay at 0. On an error the accounts stay as they are.
func (a *Accounts) RestoreState(b []byte) error {
	d := decoder{rest: b}
	d.version(accountsVersion)
	restored := make(map[string]*account)
	for n := d.uvarint(); n > 0 && !d.damaged; n-- {
		source, s := d.account()
		if restored[source] != nil {
			return errAccounts
		}
		restored[source] = s
	}
	if d.damaged || len(d.rest) > 0 {
		return errAccounts
	}
	maps.Copy(a.sources, restored)
	return nil
}

// ResetState begins all accounts anew: at 0, born now.
func (a *Accounts) ResetState() {
	now := time.Now()
	for source := range a.sources {
		a.sources[source] = &account{born: now}
	}
}

func appendList(b []byte, list []uint64) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, n := range list {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// append writes the histogram with its bounds, so that others may come.
func (d *delays) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.buckets)))
	for i, n := range d.buckets {
		bound := uint64(math.MaxUint64)
		if i < len(delayBounds) {
			bound = uint64(delayBounds[i])
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, bound), n)
	}
	return binary.AppendUvarint(b, d.sum)
}

// decoder takes values off the front of rest. After damage it gives zeros.
type decoder struct {
	rest    []byte
	damaged bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	return taken(d, v, n)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	return taken(d, v, n)
}

// taken goes on behind a value of n bytes.
func taken[T uint64 | int64](d *decoder, v T, n int) T {
	if n <= 0 || d.damaged {
		d.damaged = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// version takes the form that a state is written in, which must be known.
func (d *decoder) version(known byte) {
	if len(d.rest) == 0 || d.rest[0] != known {
		d.damaged = true
		return
	}
	d.rest = d.rest[1:]
}

// list takes a list that may be shorter than to. What is longer was written by
// a program that counts more, and would be lost.
func (d *decoder) list(to []uint64) {
	n := d.uvarint()
	if n > uint64(len(to)) {
		d.damaged = true
		return
	}
	for i := range to[:n] {
		to[i] = d.uvarint()
	}
}

// name takes a text that can be the value of a label: a bad one would fail
// every scrape.
func (d *decoder) name() string {
	n := d.uvarint()
	if n > uint64(min(len(d.rest), 255)) {
		d.damaged = true
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	for _, r := range s {
		d.damaged = d.damaged || !unicode.IsPrint(r)
	}
	d.damaged = d.damaged || !utf8.ValidString(s)
	return s
}

// account takes one source, for which the identity of the records must hold.
func (d *decoder) account() (source string, a *account) {
	source = d.name()
	a = &account{born: time.Unix(0, d.varint())}
	var sums [4]uint64
	d.list(sums[:])
	a.records, a.counted, a.unmatched, a.ambiguous = sums[0], sums[1], sums[2], sums[3]
	d.list(a.skipped[:])
	d.list(a.failures[:])
	d.delays(&a.delay)
	a.lastEnd = d.varint()
	if a.records != a.counted+a.unmatched+a.skipped.Sum() || a.ambiguous > a.counted {
		d.damaged = true
	}
	return source, a
}

// delays takes a histogram. What was counted up to a bound that is no more goes
// to the next larger one.
func (d *decoder) delays(to *delays) {
	for n := d.uvarint(); n > 0 && !d.damaged; n-- {
		bound := d.uvarint()
		i := 0
		for i < len(delayBounds) && uint64(delayBounds[i]) < bound {
			i++
		}
		to.buckets[i] += d.uvarint()
	}
	to.sum = d.uvarint()
}
