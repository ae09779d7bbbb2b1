package flowlog

import (
	"crypto/md5"
	"encoding/binary"
	"iter"
)

// A record that the Kinesis Producer Library aggregated is the magic, a protobuf
// message and its MD5 sum:
// https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
const kplMagic = "\xf3\x89\x9a\xc2"

// Field numbers of the protobuf messages.
const (
	kplRecords = 3 // AggregatedRecord.records
	kplData    = 3 // Record.data
)

// aggregate returns the protobuf message of an aggregated record; false when
// data is a plain record.
func aggregate(data []byte) ([]byte, bool) {
	if len(data) < len(kplMagic)+md5.Size || string(data[:len(kplMagic)]) != kplMagic {
		return nil, false
	}
	body, sum := data[len(kplMagic):len(data)-md5.Size], data[len(data)-md5.Size:]
	return body, md5.Sum(body) == [md5.Size]byte(sum)
}

// wellFormed reports whether aggregated can be walked to its end.
func wellFormed(message []byte) bool {
	for _, ok := range aggregated(message) {
		if !ok {
			return false
		}
	}
	return true
}

// aggregated yields the records of a protobuf AggregatedRecord as views, each
// with true; a broken message ends with one false.
func aggregated(message []byte) iter.Seq2[[]byte, bool] {
	return func(yield func([]byte, bool) bool) {
		for len(message) > 0 {
			number, record, rest, ok := protoField(message)
			message = rest
			if ok && number != kplRecords {
				continue
			}
			var data []byte
			if ok {
				data, ok = recordData(record)
			}
			if !yield(data, ok) || !ok {
				return
			}
		}
	}
}

// recordData returns the data of a protobuf Record, which must have one; the
// last counts, as in every protobuf message.
func recordData(record []byte) (data []byte, found bool) {
	for len(record) > 0 {
		number, value, rest, ok := protoField(record)
		if !ok {
			return nil, false
		}
		if number == kplData && value != nil {
			data, found = value, true
		}
		record = rest
	}
	return data, found
}

// Wire types of protobuf: https://protobuf.dev/programming-guides/encoding/
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

// protoField takes the first field off a protobuf message. The value is nil
// unless the field is length-delimited.
func protoField(message []byte) (number uint64, value, rest []byte, ok bool) {
	tag, n := binary.Uvarint(message)
	if n <= 0 || tag>>3 == 0 {
		return 0, nil, nil, false
	}
	rest = message[n:]
	size := uint64(0)
	switch tag & 7 {
	case wireVarint:
		if _, n = binary.Uvarint(rest); n <= 0 {
			return 0, nil, nil, false
		}
		size = uint64(n)
	case wire64:
		size = 8
	case wire32:
		size = 4
	case wireBytes:
		if size, n = binary.Uvarint(rest); n <= 0 {
			return 0, nil, nil, false
		}
		rest = rest[n:]
	default:
		return 0, nil, nil, false
	}
	if size > uint64(len(rest)) {
		return 0, nil, nil, false
	}
	if tag&7 == wireBytes {
		value = rest[:size:size]
	}
	return tag >> 3, value, rest[size:], true
}
