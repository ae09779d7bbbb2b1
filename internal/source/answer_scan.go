package source

import (
	"bytes"
	"strconv"
	"time"
)

// maxRecords is far above the 10,000 records that Kinesis gives at once.
const maxRecords = 100_000

// scan finds the parts of an answer that is written as Kinesis writes it:
// without escapes, shards or anything unknown that is nested. It changes
// nothing of the body, so that another reader can still make sense of what
// this one does not.
func (a *answer) scan(body []byte) bool {
	s := scanner{rest: body}
	a.records, a.next, a.behind = a.records[:0], nil, nil
	return s.members(func(name []byte) bool {
		switch string(name) {
		case "Records":
			return s.records(a)
		case "NextShardIterator":
			text, ok := s.text()
			next := string(text)
			a.next = &next
			return ok
		case "MillisBehindLatest":
			n, err := strconv.ParseInt(string(s.number()), 10, 64)
			a.behind = &n
			return err == nil
		case "ChildShards":
			return false
		}
		return s.pass()
	}) && s.next() == 0
}

// decode makes the data of the records what it was before it was put into JSON.
func (a *answer) decode() error {
	for i := range a.records {
		data, ok := decodeBase64(a.records[i].data)
		if !ok {
			return errBase64
		}
		a.records[i].data = data
	}
	return nil
}

// scanner walks over JSON. Its methods report false at what they do not expect.
type scanner struct{ rest []byte }

// records reads the list of records.
func (s *scanner) records(a *answer) bool {
	a.records = a.records[:0]
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		if len(a.records) == maxRecords || !s.record(a) {
			return false
		}
		if !s.take(',') {
			return s.take(']')
		}
	}
}

func (s *scanner) record(a *answer) bool {
	a.records = append(a.records, record{})
	r := &a.records[len(a.records)-1]
	return s.members(func(name []byte) (ok bool) {
		switch string(name) {
		case "Data":
			r.data, ok = s.data()
		case "SequenceNumber":
			r.sequence, ok = s.text()
		case "ApproximateArrivalTimestamp":
			r.arrived, ok = s.time()
		default:
			ok = s.pass()
		}
		return ok
	})
}

// members reads an object; value reads what belongs to a name. A null is
// nothing, whatever its name.
func (s *scanner) members(value func(name []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		name, ok := s.text()
		if !ok || !s.take(':') {
			return false
		}
		if !s.literal("null") && !value(name) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// next passes blanks and returns the byte behind them, 0 at the end.
func (s *scanner) next() byte {
	for i, c := range s.rest {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			s.rest = s.rest[i:]
			return c
		}
	}
	s.rest = nil
	return 0
}

// take passes a byte of the grammar.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) literal(word string) bool {
	if s.next() != word[0] || len(s.rest) < len(word) || string(s.rest[:len(word)]) != word {
		return false
	}
	s.rest = s.rest[len(word):]
	return true
}

// data reads a string that has to be base64, which is found out later.
func (s *scanner) data() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 || bytes.IndexByte(s.rest[:end], '\\') >= 0 {
		return nil, false
	}
	text := s.rest[:end:end]
	s.rest = s.rest[end+1:]
	return text, true
}

// text reads a string.
func (s *scanner) text() ([]byte, bool) {
	text, ok := s.data()
	for _, c := range text {
		ok = ok && c >= ' '
	}
	return text, ok
}

// number reads a number without a sign, as JSON wants it; else it returns nothing.
func (s *scanner) number() []byte {
	s.next()
	end := s.digits(0)
	if end > 1 && s.rest[0] == '0' {
		return nil
	}
	whole := end > 0
	if s.at(end) == '.' {
		from := end + 1
		end = s.digits(from)
		whole = whole && end > from
	}
	if s.at(end)|0x20 == 'e' {
		from := end + 1
		if c := s.at(from); c == '+' || c == '-' {
			from++
		}
		end = s.digits(from)
		whole = whole && end > from
	}
	if !whole {
		return nil
	}
	text := s.rest[:end]
	s.rest = s.rest[end:]
	return text
}

// digits returns where the digits that begin at i end.
func (s *scanner) digits(i int) int {
	for c := s.at(i); '0' <= c && c <= '9'; c = s.at(i) {
		i++
	}
	return i
}

// at returns a byte, 0 behind the end.
func (s *scanner) at(i int) byte {
	if i < len(s.rest) {
		return s.rest[i]
	}
	return 0
}

// maxSeconds is in the year 2255: soon after it a time does not fit its nanoseconds.
const maxSeconds = 9e9

// time reads Unix seconds, which count to the millisecond, as the SDK does.
func (s *scanner) time() (time.Time, bool) {
	seconds, err := strconv.ParseFloat(string(s.number()), 64)
	if err != nil || seconds >= maxSeconds {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)).UTC(), true
}

// pass passes a value that is neither list nor object.
func (s *scanner) pass() bool {
	if s.next() == '"' {
		_, ok := s.text()
		return ok
	}
	return s.literal("true") || s.literal("false") || len(s.number()) > 0
}
