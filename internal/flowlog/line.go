package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// MaxLine is the longest line that is looked at, in bytes. Longer lines are
// malformed.
const MaxLine = 64 << 10

// Result says what became of a line: Parsed, or the reason why it is no record.
type Result uint8

// The results of parsing a line.
const (
	// Parsed lines are records of traffic.
	Parsed Result = 0
	// NoData lines say that there was no traffic.
	NoData = Result(flow.NoData) + 1
	// SkipData lines say that AWS lost records.
	SkipData = Result(flow.SkipData) + 1
	// Malformed lines have the columns of the format and an impossible value,
	// or are longer than MaxLine.
	Malformed = Result(flow.Malformed) + 1
	// Mismatch lines have more or fewer columns than the format.
	Mismatch = Result(flow.Format) + 1
)

// Reason returns why a line is no record. It must not be asked of Parsed.
func (r Result) Reason() flow.Reason { return flow.Reason(r - 1) }

// failed reports whether the line does not fit the format.
func (r Result) failed() bool { return r == Malformed || r == Mismatch }

// Parse reads a line, without its line end but for a carriage return, into rec.
// Columns are separated by runs of blanks and tabs. The texts of rec are views
// into line. Unless the result is Parsed, rec holds nothing of use. Parse
// allocates nothing, where rec has names that no other record shares, and is safe
// for concurrent use.
//
// Numbers are unsigned decimal integers that fit their field in flow.Record.
// Times above 1e11 are milliseconds and are divided by 1000. Without log-status
// (or where it is "-"), a line whose srcaddr, dstaddr, packets and bytes, as far
// as the format has them, are all "-" is NoData.
//
// A transit gateway record is placed at the interface of one attachment: the
// source's when flow-direction is ingress, the destination's when it is egress.
// InterfaceID, SubnetID, VPCID, AZID and AccountID then come from tgw-src-* or
// tgw-dst-*, where these columns exist and are not "-".
func (f *Format) Parse(line []byte, rec *flow.Record) Result {
	names := rec.Names
	if names == nil {
		names = new(flow.Names)
	}
	*names, *rec = flow.Names{}, flow.Record{Names: names}
	if len(line) > MaxLine {
		return Malformed
	}
	var (
		status  = Parsed
		traffic = f.vitals == 0
		rest    = cutReturn(line)
		value   []byte
		n       int
	)
	for value, rest = token(rest); len(value) > 0; value, rest = token(rest) {
		if n == len(f.columns) {
			return Mismatch
		}
		c := &f.columns[n]
		n++
		if absent(value) {
			continue
		}
		traffic = traffic || c.vital
		if n-1 == f.status {
			var ok bool
			if status, ok = statusWord(value); !ok {
				return f.refuse(line)
			}
			traffic = true
		} else if c.set != nil && !c.set(rec, value) {
			return f.refuse(line)
		}
	}
	if n != len(f.columns) {
		return Mismatch
	}
	if !traffic {
		return NoData
	}
	if f.attached && rec.Direction != flow.DirectionUnknown {
		f.attach(line, rec)
	}
	return status
}

// refuse tells a line with a bad value from a line of another format.
func (f *Format) refuse(line []byte) Result {
	if countColumns(line) != len(f.columns) {
		return Mismatch
	}
	return Malformed
}

// attach places a transit gateway record at the attachment that made it:
// traffic enters the gateway at the source's and leaves it at the destination's.
func (f *Format) attach(line []byte, rec *flow.Record) {
	wanted := f.ends[rec.Direction-flow.Ingress]
	value, rest := token(cutReturn(line))
	for n := 0; len(value) > 0; n++ {
		for _, e := range wanted {
			if e.index == n && !absent(value) {
				e.set(rec, value)
			}
		}
		value, rest = token(rest)
	}
}

// statusWord reads a log-status.
func statusWord(v []byte) (Result, bool) {
	switch string(v) {
	case "OK":
		return Parsed, true
	case "NODATA":
		return NoData, true
	case "SKIPDATA":
		return SkipData, true
	}
	return Malformed, false
}

// token returns the first word of line, empty at its end, and what follows.
func token(line []byte) (word, rest []byte) {
	from := 0
	for from < len(line) && blank(line[from]) {
		from++
	}
	to := from
	for to < len(line) && (line[to] > ' ' || !blank(line[to])) {
		to++
	}
	return line[from:to:to], line[to:]
}

// countColumns returns how many words a line has.
func countColumns(line []byte) (n int) {
	word, rest := token(cutReturn(line))
	for len(word) > 0 {
		n++
		word, rest = token(rest)
	}
	return n
}

func cutReturn(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

func absent(v []byte) bool { return len(v) == 1 && v[0] == '-' }

func blank(c byte) bool { return c == ' ' || c == '\t' }
