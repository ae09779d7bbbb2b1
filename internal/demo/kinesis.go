// Package demo is a small AWS inside the process: a Kinesis endpoint and a
// synthetic VPC, so that the product can be tried with nothing but itself.
package demo

import (
	"crypto/md5"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kinesis is one stream in memory behind the wire protocol of Kinesis Data
// Streams. It is an http.Handler; serve it and point AWS_ENDPOINT_URL at it.
// Set the fields before the first call. Safe for concurrent use.
type Kinesis struct {
	// Stream, Region and Account name the stream; "demo", "eu-west-1" and
	// "123456789012" when empty.
	Stream, Region, Account string
	// Shards is the number of shards at the beginning; 0 is 1.
	Shards int
	// Keep is how many records a shard retains, older ones are trimmed; 0 is 10000.
	Keep int
	// Retention is how long records are kept; 0 is 24 hours. A closed shard
	// leaves the stream with its last record. AWS knows whole hours only.
	Retention time.Duration
	// After is a sequence number that all of the stream's are above, as those of
	// a stream that is deleted and created again are above the old ones.
	After uint64
	// Page is the most shards of one ListShards answer; 0 is 1000, as AWS has it.
	Page int
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	once   sync.Once
	mu     sync.Mutex
	shards []*shard
	ids    map[string]*shard
	made   int // shards, since the stream is
	born   time.Time
	// sequence is the last sequence number given away, over all shards.
	sequence uint64
	// keys makes the partition keys of Put differ.
	keys uint64
}

// shard is a range of hash keys. Sequence numbers of its records lie between
// begin and end; end is 0 while the shard is open.
type shard struct {
	id         string
	parents    []string
	children   []*shard
	low, high  *big.Int
	begin, end uint64
	closed     time.Time
	records    []record
}

type record struct {
	sequence uint64
	at       time.Time
	size     int // of the data
	// wire is the record as an answer has it, so that answers are as fast as a copy.
	wire []byte
}

// Put adds a record to the open shard that the hash of a fresh partition key
// falls into.
func (k *Kinesis) Put(data []byte) {
	k.once.Do(k.start)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys++
	key := strconv.FormatUint(k.keys, 36)
	k.add(k.owner(hash(key)), key, data)
}

// PutTo adds a record to one shard, which must be open.
func (k *Kinesis) PutTo(shardID string, data []byte) error {
	k.once.Do(k.start)
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.open(shardID)
	if err != nil {
		return err
	}
	k.add(s, shardID, data)
	return nil
}

// Open returns the ids of the open shards in the order of their creation.
func (k *Kinesis) Open() (ids []string) {
	k.once.Do(k.start)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.shards {
		if s.end == 0 {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// Split closes a shard; two new ones share its range of hash keys.
func (k *Kinesis) Split(shardID string) error {
	k.once.Do(k.start)
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.open(shardID)
	if err != nil {
		return err
	}
	middle := new(big.Int).Add(s.low, s.high)
	middle.Rsh(middle, 1)
	k.close(s)
	k.grow(s.low, middle, s)
	k.grow(new(big.Int).Add(middle, one), s.high, s)
	return nil
}

// Merge closes two shards whose ranges touch; a new one takes both ranges.
func (k *Kinesis) Merge(shardID, adjacentID string) error {
	k.once.Do(k.start)
	k.mu.Lock()
	defer k.mu.Unlock()
	a, err := k.open(shardID)
	if err != nil {
		return err
	}
	b, err := k.open(adjacentID)
	if err != nil {
		return err
	}
	low, high := a, b
	if a.low.Cmp(b.low) > 0 {
		low, high = b, a
	}
	if new(big.Int).Add(low.high, one).Cmp(high.low) != 0 {
		return fmt.Errorf("shards %s and %s are not adjacent", shardID, adjacentID)
	}
	k.close(a)
	k.close(b)
	k.grow(low.low, high.high, a, b)
	return nil
}

var (
	one    = big.NewInt(1)
	hashes = new(big.Int).Lsh(one, 128)
)

// start fills in the defaults and opens the first shards.
func (k *Kinesis) start() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Stream, k.Region, k.Account = or(k.Stream, "demo"), or(k.Region, "eu-west-1"), or(k.Account, "123456789012")
	k.Retention = or(k.Retention, 24*time.Hour)
	k.Shards, k.Keep, k.Page = or(k.Shards, 1), or(k.Keep, 10000), or(k.Page, 1000)
	if k.Now == nil {
		k.Now = time.Now
	}
	k.sequence = k.After
	k.create()
}

// Recreate deletes the stream with all its records and makes it anew under the
// same name, with as many shards as at the beginning. Iterators and sequence
// numbers of the old stream are refused.
func (k *Kinesis) Recreate() {
	k.once.Do(k.start)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.create()
}

// create opens the first shards. No two streams are made at the same time, to
// the resolution of the wire.
func (k *Kinesis) create() {
	before := k.born
	k.born = k.Now()
	if born := before.Add(time.Millisecond); !before.IsZero() && k.born.Before(born) {
		k.born = born
	}
	k.shards, k.made, k.ids = nil, 0, make(map[string]*shard)
	bound := func(i int) *big.Int {
		b := new(big.Int).Mul(hashes, big.NewInt(int64(i)))
		return b.Div(b, big.NewInt(int64(k.Shards)))
	}
	for i := range k.Shards {
		k.grow(bound(i), new(big.Int).Sub(bound(i+1), one))
	}
}

// or returns the value, or the default where the value is zero.
func or[T comparable](value, otherwise T) T {
	if value == *new(T) {
		return otherwise
	}
	return value
}

func (k *Kinesis) grow(low, high *big.Int, parents ...*shard) {
	k.sequence++
	defer func() { k.made++ }()
	s := &shard{
		id:  fmt.Sprintf("shardId-%012d", k.made),
		low: low, high: high, begin: k.sequence,
	}
	for _, p := range parents {
		s.parents = append(s.parents, p.id)
		p.children = append(p.children, s)
	}
	k.shards = append(k.shards, s)
	k.ids[s.id] = s
}

func (k *Kinesis) close(s *shard) {
	k.sequence++
	s.end, s.closed = k.sequence, k.Now()
}

// trim drops what is older than the retention period.
func (k *Kinesis) trim() {
	horizon := k.Now().Add(-k.Retention)
	for _, s := range k.shards {
		n := slices.IndexFunc(s.records, func(r record) bool { return !r.at.Before(horizon) })
		if n < 0 {
			n = len(s.records)
		}
		clear(s.records[:n])
		s.records = s.records[n:]
		if s.end != 0 && s.closed.Before(horizon) {
			delete(k.ids, s.id)
		}
	}
	k.shards = slices.DeleteFunc(k.shards, func(s *shard) bool { return k.ids[s.id] == nil })
}

func (k *Kinesis) open(id string) (*shard, error) {
	s, ok := k.ids[id]
	if !ok {
		return nil, fmt.Errorf("there is no shard %s", id)
	}
	if s.end != 0 {
		return nil, fmt.Errorf("shard %s is closed", id)
	}
	return s, nil
}

// owner returns the open shard of a hash key; the open shards cover all keys.
func (k *Kinesis) owner(hash *big.Int) *shard {
	i := slices.IndexFunc(k.shards, func(s *shard) bool {
		return s.end == 0 && s.low.Cmp(hash) <= 0 && hash.Cmp(s.high) <= 0
	})
	return k.shards[i]
}

func (k *Kinesis) add(s *shard, key string, data []byte) record {
	k.sequence++
	r := record{sequence: k.sequence, at: k.Now(), size: len(data)}
	r.wire = encode(map[string]any{
		"SequenceNumber": sequenceText(r.sequence), "PartitionKey": key, "Data": data, "ApproximateArrivalTimestamp": seconds(r.at),
	})
	s.records = append(s.records, r)
	if len(s.records) > k.Keep {
		s.records[0] = record{}
		s.records = s.records[1:]
	}
	return r
}

// hash places a partition key as Kinesis does: by its MD5, as a 128-bit number.
func hash(key string) *big.Int {
	sum := md5.Sum([]byte(key))
	return new(big.Int).SetBytes(sum[:])
}

// Sequence numbers of Kinesis are decimals of 56 digits that begin with 49.
const sequencePrefix = "496598726146014328793"

func sequenceText(n uint64) string {
	return fmt.Sprintf("%s%035d", sequencePrefix, n)
}

func sequenceValue(s string) (uint64, bool) {
	digits, ok := strings.CutPrefix(s, sequencePrefix)
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil && len(digits) == 35
}
