package vpc

import "math"

// number stands for an id of the book, so that ids of records are looked up
// once and compared often.
type number uint32

const (
	// unsaid is the number of an id that is not known.
	unsaid number = 0
	// foreign is the number of an id that is not in the book.
	foreign number = math.MaxUint32
)

// numbers are the ids of one kind, numbered from 1.
type numbers map[string]number

// add returns the number of an id of the book, a new one if it has none yet.
func (n numbers) add(id string) number {
	known := n[id]
	if known == unsaid && id != "" {
		known = number(len(n) + 1)
		n[id] = known
	}
	return known
}

// of returns the number of an id of a record.
func (n numbers) of(id []byte) number {
	if len(id) == 0 {
		return unsaid
	}
	if known, ok := n[string(id)]; ok {
		return known
	}
	return foreign
}

// compatible reports that two ids do not contradict each other.
func compatible(a, b number) bool { return a == unsaid || b == unsaid || a == b }
