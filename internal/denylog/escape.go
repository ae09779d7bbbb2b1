package denylog

import "unicode/utf8"

// appendText appends a key and a text, or nothing if the text is empty. Logfmt
// quotes what holds anything beyond letters, digits and ".:_-".
func appendText[T string | []byte](l *line, name string, v T) {
	if len(v) == 0 {
		return
	}
	l.key(name)
	if l.form == formLogfmt && bare(v) {
		l.buf = append(l.buf, v...)
		return
	}
	l.buf = appendQuoted(l.buf, v)
}

func bare[T string | []byte](v T) bool {
	for i := range len(v) {
		if !bareByte[v[i]] {
			return false
		}
	}
	return true
}

var bareByte = func() (set [256]bool) {
	for _, c := range []byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.:_-") {
		set[c] = true
	}
	return set
}()

// appendQuoted appends v as a JSON string. Control characters, among them ESC
// and the C1 set, and Unicode's line separators are escaped, and what is not
// UTF-8 is replaced: a hostile text stays in its line and harms no terminal.
// https://www.rfc-editor.org/rfc/rfc8259#section-7
func appendQuoted[T string | []byte](buf []byte, v T) []byte {
	buf = append(buf, '"')
	for i := 0; i < len(v); {
		if c := v[i]; c < utf8.RuneSelf {
			buf = appendASCII(buf, c)
			i++
			continue
		}
		r, size := decodeRune(v[i:])
		switch {
		case r == utf8.RuneError || r < 0xa0 || r == 0x2028 || r == 0x2029:
			buf = appendEscape(buf, uint16(r))
		default:
			buf = append(buf, v[i:i+size]...)
		}
		i += size
	}
	return append(buf, '"')
}

func appendASCII(buf []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(buf, '\\', c)
	case c < 0x20 || c == 0x7f:
		return appendEscape(buf, uint16(c))
	}
	return append(buf, c)
}

func appendEscape(buf []byte, r uint16) []byte {
	const hex = "0123456789abcdef"
	return append(buf, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// decodeRune reads one rune from the few bytes that it can have.
func decodeRune[T string | []byte](v T) (rune, int) {
	var b [utf8.UTFMax]byte
	return utf8.DecodeRune(b[:copy(b[:], v)])
}
