package flowlog

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// protoBytes writes a length-delimited field.
func protoBytes(number int, data string) string {
	head := binary.AppendUvarint(nil, uint64(number)<<3|wireBytes)
	return string(binary.AppendUvarint(head, uint64(len(data)))) + data
}

// protoVarint writes a number.
func protoVarint(number int, n uint64) string {
	return string(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3|wireVarint), n))
}

// seal puts the magic and the checksum around a protobuf message.
func seal(message string) string {
	sum := md5.Sum([]byte(message))
	return kplMagic + message + string(sum[:])
}

// kpl aggregates messages as the Kinesis Producer Library does.
func kpl(messages ...string) string {
	body := protoBytes(1, "partition-key") + protoBytes(2, "12345")
	for _, m := range messages {
		body += protoBytes(3, protoVarint(1, 0)+protoVarint(2, 300)+protoBytes(3, m)+protoBytes(4, protoBytes(1, "tag")))
	}
	return seal(body)
}

func TestAggregatedRecords(t *testing.T) {
	const line, rec = "10.0.0.1 1", "record src=10.0.0.1 packets=1"
	record := protoBytes(3, protoBytes(3, line))
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"three messages", kpl(line, "srcaddr dstaddr\n10.0.0.1 10.0.0.2", line), []string{rec, "record src=10.0.0.1 dst=10.0.0.2", rec}},
		{"each costs itself", kpl(line, "\x00\x01", gzipMagic+"nonsense", "", line), []string{rec, rec, "failure content 1", "failure decompress 1"}},
		{"compressed", kpl(zip("10.0.0.1 1"), zip("10.0.0.2 2")), []string{rec, "record src=10.0.0.2 packets=2"}},
		{"not opened twice", kpl(kpl(line)), []string{"failure content 1"}},
		{"none", kpl(), nil},
		{"fields of all wire types", seal(protoVarint(9, 1<<63) + "\x49" + "12345678" + "\x55" + "1234" + record), []string{rec}},
		{"the last data counts", seal(protoBytes(3, protoBytes(3, "x")+protoBytes(3, line))), []string{rec}},
		{"wrong sum", kpl(line)[:40] + "x" + kpl(line)[41:], []string{"failure content 1"}},
		{"only the magic", kplMagic, []string{"failure content 1"}},
		{"no data", seal(record + protoBytes(3, protoVarint(1, 0))), []string{"failure content 1"}},
		{"record is a number", seal(record + protoVarint(3, 1)), []string{"failure content 1"}},
		{"length beyond the end", seal(record + "\x1a\x7f"), []string{"failure content 1"}},
		{"huge length", seal(record + "\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), []string{"failure content 1"}},
		{"endless number", seal(record + "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), []string{"failure content 1"}},
		{"group", seal(record + "\x0b\x0c"), []string{"failure content 1"}},
		{"field number 0", seal(record + "\x02\x00"), []string{"failure content 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read(t, Options{Formats: tiny(t)}, test.body).show()
			if diff := cmp.Diff(test.want, got, compare); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The records of a message keep their texts while the next one is inflated.
func TestTextsOfMessagesStayApart(t *testing.T) {
	got := read(t, Options{}, kpl(zip(edit(1, "111111111111")), zip(edit(1, "222222222222")), zst(edit(1, "333333333333"))))
	for i, want := range []string{"account=111111111111 ", "account=222222222222 ", "account=333333333333 "} {
		if !strings.Contains(got.records[i], want) {
			t.Errorf("%s, want %s", got.records[i], want)
		}
	}
}

func FuzzKPL(f *testing.F) {
	f.Add([]byte(kpl("a", "", "bc"))[4:60], []byte("a"), []byte("bc"))
	f.Add([]byte("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), []byte{}, []byte{0})
	f.Add([]byte("\x1a\x02\x1a\x00\x0b"), []byte("\x00"), []byte(kplMagic))
	f.Fuzz(func(t *testing.T, message, a, b []byte) {
		// Anything behind a good checksum is walked without harm.
		opened, ok := aggregate([]byte(seal(string(message))))
		if !ok || !bytes.Equal(opened, message) {
			t.Fatal("a sealed message is not opened")
		}
		total, good := 0, true
		for data, ok := range aggregated(opened) {
			total += len(data)
			good = good && ok
		}
		if total > len(message) || good != wellFormed(opened) {
			t.Fatalf("%d bytes come out of %d", total, len(message))
		}
		// What is put in comes out.
		opened, _ = aggregate([]byte(kpl(string(a), string(b))))
		var got [][]byte
		for data, ok := range aggregated(opened) {
			if !ok {
				t.Fatal("a good message is called broken")
			}
			got = append(got, data)
		}
		if len(got) != 2 || !bytes.Equal(got[0], a) || !bytes.Equal(got[1], b) {
			t.Fatalf("%q", got)
		}
		// And without the checksum nothing is opened.
		if _, ok := aggregate(append([]byte(kplMagic), message...)); ok && len(message) < md5.Size {
			t.Fatal("opened without a checksum")
		}
		_ = NewReader(Options{}).Read(flow.Body{Data: []byte(seal(string(message)))}, func(*Block) error { return nil })
	})
}
