//go:build durability

package durability

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const mebibyte = 1 << 20

// lines are n flow logs of one subnet as text, each from an address and an
// interface of its own. They count as w.received says.
func (w *world) lines(first, n int) []byte {
	var text bytes.Buffer
	own := w.vpc.Subnets()[0].Prefixes[0].Addr().Next().Next()
	now := time.Now().Unix()
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&text, "2 123456789012 eni-0%016x %d.%d.%d.%d %s %d 443 6 1 84 %d %d ACCEPT OK\n",
			i, 11+i>>24, i>>16&255, i>>8&255, i&255, own, 1024+i&0x7fff, now-60, now)
	}
	return text.Bytes()
}

// received expects n flows of lines more.
func (w *world) received(n int) {
	s := w.vpc.Subnets()[0]
	place := fmt.Sprintf("{subnet=%q,vpc_id=%q}", s.CIDR, s.VPCID)
	w.expect("flowlog_received_flows_total"+place, n)
	w.expect("flowlog_received_packets_total"+place, n)
	w.expect("flowlog_received_bytes_total"+place, 84*n)
	w.expect(recordsSeries, n)
	w.expect(`flowlog_records_counted_total{source="kinesis"}`, n)
}

// failed expects n messages more that cannot be decoded.
func (w *world) failed(stage string, n int) {
	w.expect(fmt.Sprintf(`flowlog_decode_failures_total{source="kinesis",stage=%q}`, stage), n)
}

func (w *world) expect(series string, n int) {
	if w.extra == nil {
		w.extra = map[string]float64{}
	}
	w.extra[series] += float64(n)
}

// zipped is one member of gzip.
func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bombs are messages of about a mebibyte that would be a gibibyte each.
func bombs(t *testing.T) [][]byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	blanks := bytes.Repeat([]byte(" "), 16*mebibyte)
	member := bytes.Repeat(zipped(t, blanks), 64)
	frame := bytes.Repeat(z.EncodeAll(blanks, nil), 64)
	envelope := append(zipped(t, []byte(`{"messageType":"DATA_MESSAGE","logEvents":[`)), member...)
	return [][]byte{member, frame, envelope, []byte(base64.StdEncoding.EncodeToString(member))}
}

// TestFault40BombsOverload: bombs that come on all shards, between flow logs,
// cost their failure each.
func TestFault40BombsOverload(t *testing.T) {
	const rounds = 25
	w := newWorld(t, 40, 4)
	p := launch(t, w.confined(w.command()))
	url := p.url()
	w.put(1000)
	w.settled(p, url)
	end := w.overload(p, url, "gzip and zstd bombs")
	all := bombs(t)
	for range rounds {
		for _, bomb := range all {
			w.stream.Put(bomb)
		}
		w.put(500)
	}
	w.failed("limit", rounds*len(all))
	w.settled(p, url)
	end()
	p.stop()
}

// tail is the end of an envelope, from its events on, that inflates to about size
// bytes. With escaped, every character of the messages is written as an escape.
func (w *world) tail(size int, escaped bool) (zip []byte, records int) {
	rng := rand.New(rand.NewPCG(41, 41))
	var text bytes.Buffer
	text.WriteString(`"logEvents":[`)
	own := w.vpc.Subnets()[0].Prefixes[0].Addr().Next().Next()
	for text.Len() < size-1000 {
		line := fmt.Sprintf("2 123456789012 eni-0%016x 198.51.%d.%d %s %d 443 6 1 84 1418530010 1418530070 ACCEPT OK",
			1, rng.IntN(256), rng.IntN(256), own, rng.IntN(65536))
		if escaped {
			var long strings.Builder
			for _, c := range []byte(line) {
				fmt.Fprintf(&long, `\u%04x`, c)
			}
			line = long.String()
		}
		fmt.Fprintf(&text, `{"id":"3%018d%018d%019d","timestamp":1418530010000,"message":"%s"},`, rng.Uint64()>>5, rng.Uint64()>>5, records, line)
		records++
	}
	text.Truncate(text.Len() - 1)
	text.WriteString(`]}`)
	return zipped(w.t, text.Bytes()), records
}

// fill is a piece of an envelope that has size bytes of gzip.
func fill(t *testing.T, size int) []byte {
	t.Helper()
	noise := make([]byte, size*3/4) // for base64 is not packed to its full
	rng := rand.NewChaCha8([32]byte{41})
	_, _ = rng.Read(noise) // never fails
	return zipped(t, []byte(`"fill":"`+base64.StdEncoding.EncodeToString(noise)+`",`))
}

// TestFault41LargeRecordsOverload: records of 10 MiB, the most that Kinesis
// takes, on all shards at once: good ones that inflate nearly as far as they may,
// and bad ones.
func TestFault41LargeRecordsOverload(t *testing.T) {
	const rounds, full = 8, 10 * mebibyte
	w := newWorld(t, 41, 4)
	p := launch(t, w.confined(w.command()))
	url := p.url()
	w.put(1000)
	w.settled(p, url)
	end := w.overload(p, url, "records of 10 MiB")
	longLine := bytes.Repeat([]byte("0"), full)
	broken := append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), longLine...)[:full]
	for _, escaped := range []bool{false, true} {
		events, records := w.tail(55*mebibyte, escaped)
		rest := append(fill(t, full-len(events)-4096), events...)
		for i := range rounds {
			head := fmt.Sprintf(`{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"g","logStream":"s-%t-%d",`, escaped, i)
			good := append(zipped(t, []byte(head)), rest...)
			if len(good) > full || len(good) < full-full/5 {
				t.Fatalf("a record of %d bytes", len(good))
			}
			w.stream.Put(good)
			w.received(records)
			w.stream.Put(longLine)
			w.expect(`flowlog_records_skipped_total{reason="malformed",source="kinesis"}`, 1)
			w.expect(recordsSeries, 1)
			w.stream.Put(broken)
			w.failed("decompress", 1)
			w.put(500)
		}
	}
	w.settled(p, url)
	end()
	p.stop()
}

// TestFault47MillionSourcesOverload: a million addresses and interfaces leave
// nothing behind: after the last of them no more memory is in use than after the
// first. They come in small portions, so that what is in hand is always the same.
func TestFault47MillionSourcesOverload(t *testing.T) {
	const all, fifth, portion, each = 1_000_000, 200_000, 20_000, 5_000
	w := newWorld(t, 47, 4)
	p := launch(t, w.confined(w.command()))
	url := p.url()
	w.put(1000)
	w.settled(p, url)
	series := len(w.log.scrape(p, url).values)
	end := w.overload(p, url, "a million sources")
	var goals []int // of Go's heap in MiB, after each fifth: twice what was in use at the last collection
	for first := 0; first < all; first += each {
		w.stream.Put(w.lines(first, each))
		w.received(each)
		if (first+each)%portion == 0 {
			want := map[string]float64{recordsSeries: w.truth()[recordsSeries]}
			p.until(func() error { return compare(want, w.log.scrape(p, url)) })
		}
		if (first+each)%fifth == 0 {
			goals = append(goals, int(w.log.scrape(p, url).values["go_memstats_next_gc_bytes"])/mebibyte)
		}
	}
	w.settled(p, url)
	if min(goals[3], goals[4]) > max(goals[0], goals[1])+16 {
		t.Error("what is in use grew with the sources")
	}
	if n := len(w.log.scrape(p, url).values); n != series {
		t.Errorf("%d series have become %d", series, n)
	}
	end()
	t.Logf("the goal of Go's heap after each %d sources: %d MiB", fifth, goals)
	p.stop()
}

// TestFault21ManyShardsOverload: many shards that all have much to read are read
// without all of it being held at once.
func TestFault21ManyShardsOverload(t *testing.T) {
	const shards, records, each = 64, 9, 10_000
	w := newWorld(t, 21, shards)
	text := w.lines(0, each)
	for range records {
		for _, id := range w.stream.Open() {
			if err := w.stream.PutTo(id, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.received(shards * records * each)
	w.put(1000)
	p := launch(t, w.confined(w.command()))
	url := p.url()
	end := w.overload(p, url, fmt.Sprintf("%d shards with %d MiB each", shards, records*len(text)>>20))
	w.settled(p, url)
	end()
	p.stop()
}
