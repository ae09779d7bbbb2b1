package flowlog

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string; its opening quote is the next byte.
func (s *scanner) string() (v value, ok bool) {
	s.pos++
	from, plain := s.pos, true
	for {
		s.pos += plainRun(s.buf[s.pos:])
		if s.pos == len(s.buf) {
			return v, false
		}
		switch c := s.buf[s.pos]; {
		case c == '"':
			v = value{kindString, plain, s.buf[from:s.pos:s.pos]}
			s.pos++
			return v, true
		case c == '\\':
			if !s.escape() {
				return v, false
			}
			plain = false
		case c < ' ':
			return v, false
		default: // not ASCII
			plain = false
			s.pos++
		}
	}
}

// plainRun returns how many bytes at the start of text stand for themselves in
// a string. It looks at eight bytes at once: most of an envelope is strings.
func plainRun(text []byte) (n int) {
	for ; n+8 <= len(text); n += 8 {
		if m := notPlain(binary.LittleEndian.Uint64(text[n:])); m != 0 {
			return n + bits.TrailingZeros64(m)/8
		}
	}
	for n < len(text) && text[n] >= ' ' && text[n] < utf8.RuneSelf && text[n] != '"' && text[n] != '\\' {
		n++
	}
	return n
}

// escape reads an escape sequence; its backslash is the next byte.
func (s *scanner) escape() bool {
	s.pos++
	if s.pos == len(s.buf) {
		return false
	}
	switch s.buf[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		s.pos++
		for range 4 {
			if s.pos == len(s.buf) || hexDigit(s.buf[s.pos]) < 0 {
				return false
			}
			s.pos++
		}
		return true
	}
	return false
}

// unescape appends what the raw text of a checked JSON string means. As with
// encoding/json, bytes that are no UTF-8 and halves of surrogate pairs become
// the replacement character.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\\' && raw[i+1] == 'u':
			r := hexRune(raw[i:])
			i += 6
			if utf16.IsSurrogate(r) {
				if pair := utf16.DecodeRune(r, hexRune(raw[i:])); pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		case c == '\\':
			dst = append(dst, unescaped(raw[i+1]))
			i += 2
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, size := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		}
	}
	return dst
}

// hexRune reads \uXXXX at the start of text, -1 where none stands.
func hexRune(text []byte) (r rune) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	for _, c := range text[2:6] {
		r = r<<4 | rune(hexDigit(c))
	}
	return r
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
