package source

import (
	"encoding/base64"
	"encoding/binary"
)

// invalid marks what is no letter of base64. The six bits of a letter stand at
// the top of a table's entry, where its place in the group of four wants them.
const invalid = 1

var base64Tables = func() (tables [4][256]uint32) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for place := range tables {
		for c := range tables[place] {
			tables[place][c] = invalid
		}
		for value, c := range []byte(alphabet) {
			tables[place][c] = uint32(value) << (26 - 6*place)
		}
	}
	return tables
}()

// decodeBase64 decodes text in its own memory, which encoding/base64 does not
// promise to do, and in about three quarters of its time. What is no base64
// leaves the text broken.
func decodeBase64(text []byte) ([]byte, bool) {
	t := &base64Tables
	n, i := 0, 0
	// The last group may be padded. Eight letters become six bytes, written as
	// eight: never beyond the letters that were read.
	for ; len(text)-i > 8; i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		a := t[0][byte(x)] | t[1][byte(x>>8)] | t[2][byte(x>>16)] | t[3][byte(x>>24)]
		b := t[0][byte(x>>32)] | t[1][byte(x>>40)] | t[2][byte(x>>48)] | t[3][byte(x>>56)]
		if (a|b)&invalid != 0 {
			return nil, false
		}
		binary.BigEndian.PutUint64(text[n:], uint64(a)<<32|uint64(b)<<8)
		n += 6
	}
	for _, c := range text[i:] {
		if c < ' ' {
			return nil, false // encoding/base64 passes over line ends
		}
	}
	var rest [6]byte
	m, err := base64.StdEncoding.Decode(rest[:], text[i:])
	return append(text[:n], rest[:m]...), err == nil
}
