package flowlog

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// maxSample is how many bytes of a message a log line shows, escaped.
const maxSample = 256

// maxTold is how many bytes of a name from the data a log line shows, escaped.
// The names of log groups and streams have at most 512.
const maxTold = 512

// Sample returns what a log line says of a message that is set aside, as keys
// and values for slog: its size, the first half of its SHA-256 sum, to know it
// again by, and how it begins, escaped, in at most 256 bytes.
func Sample(data []byte) []any {
	sum := sha256.Sum256(data)
	return []any{"bytes", len(data), "sha256", hex.EncodeToString(sum[:16]), "first_bytes", ascii(data, maxSample)}
}

// Printable returns text from the data as a log line may show it: control
// characters, bytes that are no UTF-8 and whatever else a terminal may act on
// are escaped, and beyond 512 bytes it is cut.
func Printable[T string | []byte](text T) string { return printable(text, maxTold) }

// printable escapes what is no printable character, and cuts off behind limit
// bytes. Log handlers do not escape all of it: DEL passes, and C1 in JSON.
func printable[T string | []byte](text T, limit int) string {
	return escaped(text, limit, strconv.AppendQuoteRune)
}

// ascii escapes everything that is no printable ASCII.
func ascii[T string | []byte](text T, limit int) string {
	return escaped(text, limit, strconv.AppendQuoteRuneToASCII)
}

// escaped writes runes until limit bytes are full; no escape is cut.
func escaped[T string | []byte](text T, limit int, quote func([]byte, rune) []byte) string {
	var out []byte
	rest := string(text[:min(len(text), limit+utf8.UTFMax)])
	for len(rest) > 0 {
		r, size := utf8.DecodeRuneInString(rest)
		before := len(out)
		switch {
		case r == utf8.RuneError && size == 1:
			const hex = "0123456789abcdef"
			out = append(out, '\\', 'x', hex[rest[0]>>4], hex[rest[0]&15])
		case r == '\'':
			out = append(out, '\'')
		default:
			out = quote(out, r)
			out = append(out[:before], out[before+1:len(out)-1]...)
		}
		if len(out) > limit {
			return string(out[:before])
		}
		rest = rest[size:]
	}
	return string(out)
}
