package flowlog

import (
	"bytes"
	"fmt"
	"strings"
)

// header remembers the last header line: the objects of one flow log all have
// the same.
type header struct {
	line []byte
	set  *Set
}

// beginText makes ready for text, which belongs to no log group.
func (r *Reader) beginText() {
	r.come(origin{})
	r.begun = false
	r.use(r.formats.For(nil))
}

// lines reads lines; the last one may lack its end.
func (r *Reader) lines(data []byte) error {
	for len(data) > 0 {
		if r.begun {
			n, err := r.quickLines(data)
			if data = data[n:]; err != nil || len(data) == 0 {
				return err
			}
		}
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		if err := r.textLine(cutReturn(line)); err != nil {
			return err
		}
		data = rest
	}
	return nil
}

// textLine reads one line of text. Empty lines are passed over.
//
// A line is a header, and sets the format of what follows, when every word in
// it is written like a field name (a lower-case letter, then lower-case
// letters, digits, hyphens or underscores) and at least half of the words are
// names of fields, none of them twice. The first line is tried as a header
// before it is tried as a record, every later one after it has failed as such.
func (r *Reader) textLine(line []byte) error {
	if !r.begun && len(line) <= MaxLine {
		if word, _ := token(line); len(word) == 0 || r.takeHeader(line) {
			r.begun = r.begun || len(word) > 0
			return nil
		}
	}
	r.begun = true
	result := r.set.Parse(line, r.next())
	if line, ok := exported(line); ok && result.failed() {
		return r.settle(r.set.Parse(line, r.next()), line)
	}
	if result.failed() && len(line) <= MaxLine {
		if word, _ := token(line); len(word) == 0 || r.takeHeader(line) {
			return nil
		}
	}
	return r.settle(result, line)
}

// exportTime is how a line begins that an export task of CloudWatch Logs wrote.
const exportTime = "dddd-dd-ddTdd:dd:dd.dddZ "

// exported takes the time off a line that an export task of CloudWatch Logs has
// written to S3: it puts the time of the log event and a blank in front of each.
func exported(line []byte) (rest []byte, ok bool) {
	if len(line) < len(exportTime) {
		return line, false
	}
	for i, want := range []byte(exportTime) {
		if want == 'd' && digit(line[i]) || want != 'd' && line[i] == want {
			continue
		}
		return line, false
	}
	return line[len(exportTime):], true
}

// takeHeader takes the format from line; false when that is no header.
func (r *Reader) takeHeader(line []byte) bool {
	if !headerWords(line) {
		return false
	}
	if !bytes.Equal(line, r.header.line) {
		f, err := ParseFormat(string(line))
		if err != nil || 2*len(f.unknown) > len(f.columns) {
			return false
		}
		r.header.line = append(r.header.line[:0], line...)
		r.header.set = Fixed(f)
	}
	r.use(r.header.set)
	return true
}

// headerWords reports whether all words of line are written like field names.
func headerWords(line []byte) bool {
	word, rest := token(line)
	for ; len(word) > 0; word, rest = token(rest) {
		for i, c := range word {
			lower := c >= 'a' && c <= 'z'
			if !lower && (i == 0 || c != '-' && c != '_' && !digit(c)) {
				return false
			}
		}
	}
	return true
}

// mismatch says that a line fits no known format.
func (r *Reader) mismatch(line []byte) {
	if !r.notices.due(topicMismatch) {
		return
	}
	known := make([]string, len(r.set.formats))
	for i, f := range r.set.formats {
		known[i] = fmt.Sprint(f.Columns())
	}
	r.logger.Warn(fmt.Sprintf("a line has %d fields, the known format has %s; pass --format, or allow ec2:DescribeFlowLogs",
		countColumns(line), strings.Join(known, " or ")), "log_group", printable(r.before.from.logGroup, maxTold))
}
