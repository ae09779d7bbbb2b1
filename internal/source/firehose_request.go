package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
)

const (
	// MaxFirehoseBody is the size of a request's body, as it comes and
	// decompressed: more than Firehose sends, which is 64 MiB.
	MaxFirehoseBody = 64 << 20
	// maxFirehoseRecords is how many records Firehose puts into a request.
	maxFirehoseRecords = 10_000
	// firehoseRatio is how many times its size a body may inflate to, beyond
	// the first mebibyte.
	firehoseRatio = 200
	// firehoseDepth is how deep the values may be nested that are passed over.
	firehoseDepth = 16
	// firstRead is the memory that a body gets before more of it has come: who
	// only says that he will send much costs little.
	firstRead = 64 << 10
)

// The ways in which a body is not one of Firehose's.
var (
	errBodyTooLarge = fmt.Errorf("the body is larger than %d MiB", MaxFirehoseBody>>20)
	errRatio        = fmt.Errorf("the body inflates to more than %d times its size", firehoseRatio)
	errRequest      = errors.New(`the body is not {"requestId":"...","timestamp":...,"records":[{"data":"<base64>"}]}`)
	errRecords      = fmt.Errorf("the body has more than %d records", maxFirehoseRecords)
	errData         = errors.New("the data of a record is no base64")
	errOtherID      = errors.New("the body has another requestId than the header")
	errEncoding     = errors.New("the Content-Encoding is neither gzip nor none")
)

// transported counts what is read.
type transported struct {
	r    io.Reader
	read int64
}

// Read implements io.Reader.
func (c *transported) Read(p []byte) (n int, err error) {
	n, err = c.r.Read(p)
	c.read += int64(n)
	return n, err
}

// readRequest reads the body of a request whole and decompressed, and returns
// how many bytes of it came.
func readRequest(r *http.Request, body io.Reader) (text []byte, came int64, err error) {
	if r.ContentLength > MaxFirehoseBody {
		return nil, 0, errBodyTooLarge
	}
	raw := &transported{r: io.LimitReader(body, MaxFirehoseBody+1)}
	switch encoding := r.Header.Get("Content-Encoding"); {
	case encoding == "" || strings.EqualFold(encoding, "identity"):
		text, err = readWhole(raw, int(r.ContentLength), func(int) error { return nil })
	case strings.EqualFold(encoding, "gzip"):
		text, err = readZipped(raw)
	default:
		err = errEncoding
	}
	if raw.read > MaxFirehoseBody {
		err = errBodyTooLarge
	}
	return text, raw.read, err
}

func readZipped(raw *transported) ([]byte, error) {
	unzipped, err := gzip.NewReader(raw)
	if err != nil {
		return nil, fmt.Errorf("the body is no gzip: %w", err)
	}
	text, err := readWhole(unzipped, 0, func(size int) error {
		if int64(size) > max(1<<20, firehoseRatio*raw.read) {
			return errRatio
		}
		return nil
	})
	return text, err
}

// readWhole reads to the end, which is expected after size bytes; 0 or less is
// not known. Allowed says whether so many bytes may be.
func readWhole(r io.Reader, size int, allowed func(int) error) ([]byte, error) {
	text := make([]byte, 0, firstRead)
	for {
		n, err := r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > MaxFirehoseBody:
			return nil, errBodyTooLarge
		case err == io.EOF:
			return text, nil
		case err != nil:
			return nil, err
		}
		if err := allowed(len(text)); err != nil {
			return nil, err
		}
		if len(text) == cap(text) {
			more := min(2*cap(text), MaxFirehoseBody+1)
			if size >= len(text) {
				more = min(8*cap(text), size+1) // one more shows the end
			}
			text = append(make([]byte, 0, more), text...)
		}
	}
}

// firehoseRequest is the body of a request. Its values are views into the text.
type firehoseRequest struct {
	id      []byte
	records [][]byte
}

// parseRequest takes the text of a request apart, decoding the data of the
// records in its own memory. It finds all wrong before it changes any of it, but
// for what is no base64.
func parseRequest(text []byte) (q firehoseRequest, err error) {
	s := scanner{rest: text}
	listed, many := false, false
	var ok bool
	ok = s.members(func(name []byte) bool {
		switch string(name) {
		case "requestId":
			q.id, ok = s.text()
			return ok
		case "records":
			listed = true
			q.records, many, ok = s.list()
			return ok
		}
		return s.skip(firehoseDepth)
	})
	switch {
	case many:
		return q, errRecords
	case !ok || !listed || len(q.id) == 0 || s.next() != 0:
		return q, errRequest
	}
	for i, record := range q.records {
		data, ok := decodeBase64(record)
		if !ok {
			return q, errData
		}
		q.records[i] = data
	}
	return q, nil
}

// list reads the records of a request; many says that there are too many.
func (s *scanner) list() (records [][]byte, many, ok bool) {
	if !s.take('[') {
		return nil, false, false
	}
	records = [][]byte{}
	if s.take(']') {
		return records, false, true
	}
	for {
		if len(records) == maxFirehoseRecords {
			return nil, true, false
		}
		var data []byte
		ok := s.members(func(name []byte) (ok bool) {
			if string(name) != "data" {
				return s.skip(firehoseDepth)
			}
			data, ok = s.data()
			return ok
		})
		if !ok {
			return nil, false, false
		}
		records = append(records, data)
		if !s.take(',') {
			return records, false, s.take(']')
		}
	}
}

// skip passes a value of any kind, nested up to depth levels.
func (s *scanner) skip(depth int) bool {
	switch c := s.next(); {
	case c == '"':
		return s.quoted()
	case c == '{':
		return depth > 0 && s.members(func([]byte) bool { return s.skip(depth - 1) })
	case c == '[':
		s.take('[')
		if depth == 0 || s.take(']') {
			return depth > 0
		}
		for s.skip(depth - 1) {
			if !s.take(',') {
				return s.take(']')
			}
		}
		return false
	case c == '-':
		s.take('-')
		return s.at(0) != ' ' && len(s.number()) > 0
	case c == 'n':
		return s.literal("null")
	}
	return s.pass()
}

// quoted passes a string, whatever its escapes mean.
func (s *scanner) quoted() bool {
	s.take('"')
	for {
		i := bytes.IndexAny(s.rest, `"\`)
		if i < 0 || s.rest[i] == '\\' && i+1 == len(s.rest) {
			return false
		}
		if s.rest[i] == '"' {
			s.rest = s.rest[i+1:]
			return true
		}
		s.rest = s.rest[i+2:]
	}
}
