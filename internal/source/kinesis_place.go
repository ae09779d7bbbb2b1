package source

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// position is where a shard is read from: behind the record after, else at a
// time, else at the oldest record. An ended shard is not read any more.
type position struct {
	after string
	at    time.Time
	ended bool
	// seen is up to when, by the clock of AWS, nothing behind the position was
	// missed; zero when that is not known. It tells what the retention took.
	seen time.Time
}

// The words of a place that is not a sequence number, which has digits only.
const (
	endedWord  = "ended"
	oldestWord = "oldest"
	timeWord   = "time="
)

// encode writes the position as a place: POINT@SEEN or POINT@SEEN@MARK. Point
// is a sequence number, or "time=" and a time, "oldest" or "ended"; times are
// Unix milliseconds, 0 is not known. The mark says of which stream the place
// is; one without is of any.
func (p position) encode(mark string) string {
	var space [128]byte // more than a sequence number of 56 digits, a time and a mark take
	text := space[:0]
	switch {
	case p.ended:
		text = append(text, endedWord...)
	case p.after != "":
		text = append(text, p.after...)
	case !p.at.IsZero():
		text = appendMillis(append(text, timeWord...), p.at)
	default:
		text = append(text, oldestWord...)
	}
	text = appendMillis(append(text, '@'), p.seen)
	if mark != "" {
		text = append(append(text, '@'), mark...)
	}
	return string(text)
}

// decodePosition reads what encode wrote.
func decodePosition(place string) (p position, mark string, ok bool) {
	point, rest, _ := strings.Cut(place, "@")
	seen, mark, _ := strings.Cut(rest, "@")
	p.seen, ok = parseMillis(seen)
	if at, isTime := strings.CutPrefix(point, timeWord); isTime && ok {
		p.at, ok = parseMillis(at)
		return p, mark, ok && !p.at.IsZero()
	}
	switch point {
	case endedWord:
		p.ended = true
	case oldestWord:
	default:
		p.after = point
		ok = ok && point != "" && strings.Trim(point, "0123456789") == ""
	}
	return p, mark, ok
}

// appendMillis writes a time; what is not after 1970 is not known.
func appendMillis(text []byte, t time.Time) []byte {
	return strconv.AppendInt(text, max(0, t.UnixMilli()), 10)
}

func millis(t time.Time) string { return string(appendMillis(nil, t)) }

func parseMillis(s string) (time.Time, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, false
	}
	if n == 0 {
		return time.Time{}, true
	}
	return time.UnixMilli(n), true
}

// later reports whether sequence number a comes after b, in the same shard.
// They are decimals without leading zeros, of any length.
func later(a, b string) bool {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) > 0
}
