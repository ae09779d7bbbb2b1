package flowlog

// maxDepth is how deep JSON may be nested. An envelope needs four levels.
const maxDepth = 64

// kind is what a JSON value is.
type kind uint8

const (
	kindNone kind = iota // the key is not there
	kindNull
	kindString
	kindNumber
	kindObject
	kindOther
)

// value is a JSON value as a view into the document.
type value struct {
	kind kind
	// plain strings mean their bytes: no escapes, ASCII only.
	plain bool
	// raw is the value's text, of a string without the quotes.
	raw []byte
}

// text reports whether the value is a string or left out.
func (v value) text() bool { return v.kind <= kindString }

// coded reports whether the value is a string that must be decoded.
func (v value) coded() bool { return v.kind == kindString && !v.plain }

// bytes returns what a string means, a number's digits, nothing for null. Text
// that is not plain is appended to scratch and is a view into it.
func (v value) bytes(scratch *[]byte) []byte {
	switch {
	case v.kind != kindString && v.kind != kindNumber:
		return nil
	case v.plain:
		return v.raw
	}
	from := len(*scratch)
	*scratch = unescape(*scratch, v.raw)
	return (*scratch)[from:len(*scratch):len(*scratch)]
}

// scanner walks over JSON text without copying or allocating. Its methods
// answer false at the first byte that cannot stand there; the scanner is of no
// use then. It takes what encoding/json takes, down to maxDepth.
type scanner struct {
	buf []byte
	pos int
}

// short reports, after a failure, that the text only lacks its end.
func (s *scanner) short() bool { return s.pos >= len(s.buf) }

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.buf) {
		switch c := s.buf[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take skips white space and consumes c; false when another byte stands there.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// next goes to the next element of an object or array that closes with end.
func (s *scanner) next(end byte, first bool) (more, ok bool) {
	if s.take(end) {
		return false, true
	}
	if first {
		return true, true
	}
	ok = s.take(',')
	return ok, ok
}

// key reads the key of an object's member and its colon.
func (s *scanner) key(scratch *[]byte) (key []byte, ok bool) {
	if s.peek() != '"' {
		return nil, false
	}
	v, ok := s.string()
	return v.bytes(scratch), ok && s.take(':')
}

// value reads a value that may be nested depth levels.
func (s *scanner) value(depth int) (v value, ok bool) {
	c := s.peek()
	from := s.pos
	switch {
	case c == '"':
		return s.string()
	case c == '{' || c == '[':
		v.kind, ok = kindOther, depth > 0 && s.skip(c+2, depth) // '{'+2 is '}', '['+2 is ']'
		if c == '{' {
			v.kind = kindObject
		}
	case c == '-' || digit(c):
		v.kind, v.plain, ok = kindNumber, true, s.number()
	case c == 'n':
		v.kind, ok = kindNull, s.word("null")
	case c == 't':
		v.kind, ok = kindOther, s.word("true")
	case c == 'f':
		v.kind, ok = kindOther, s.word("false")
	}
	v.raw = s.buf[from:s.pos:s.pos]
	return v, ok
}

// skip reads an object or array that closes with end.
func (s *scanner) skip(end byte, depth int) bool {
	s.pos++
	for first := true; ; first = false {
		more, ok := s.next(end, first)
		if !ok || !more {
			return ok
		}
		if end == '}' {
			if s.peek() != '"' {
				return false
			}
			if _, ok := s.string(); !ok || !s.take(':') {
				return false
			}
		}
		if _, ok := s.value(depth - 1); !ok {
			return false
		}
	}
}

// number reads a number.
func (s *scanner) number() bool {
	s.is('-')
	if !s.is('0') && !s.digits() {
		return false
	}
	if s.is('.') && !s.digits() {
		return false
	}
	if s.is('e') || s.is('E') {
		if !s.is('+') {
			s.is('-')
		}
		return s.digits()
	}
	return true
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.buf) && digit(s.buf[s.pos]) {
		s.pos++
	}
	return s.pos > from
}

// is consumes c where it stands next.
func (s *scanner) is(c byte) bool {
	if s.pos < len(s.buf) && s.buf[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// word reads a literal.
func (s *scanner) word(w string) bool {
	for i := range len(w) {
		if !s.is(w[i]) {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
