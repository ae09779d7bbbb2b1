package source

import (
	"encoding/base64"
	"encoding/binary"
)

// noPair marks two bytes that are not both letters of base64.
const noPair = 1 << 15

// base64Pairs has for two letters, as they stand in memory, their twelve bits.
// Only the 12 KiB of it are read that belong to letters.
var base64Pairs = func() (pairs [1 << 16]uint16) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range pairs {
		pairs[i] = noPair
	}
	for high, first := range []byte(alphabet) {
		for low, second := range []byte(alphabet) {
			pairs[binary.LittleEndian.Uint16([]byte{first, second})] = uint16(high<<6 | low)
		}
	}
	return pairs
}()

// decodeBase64 decodes text in its own memory, which encoding/base64 does not
// promise to do, and in less than half of its time. What is no base64 leaves the
// text broken.
func decodeBase64(text []byte) ([]byte, bool) {
	const letters, decoded = 16, 12
	n, i := 0, 0
	for ; i+letters < len(text); i += letters { // the last group may be padded
		from, to := text[i:i+letters:i+letters], text[n:n+letters]
		a, b, c, d := pairOf(from), pairOf(from[2:]), pairOf(from[4:]), pairOf(from[6:])
		e, f, g, h := pairOf(from[8:]), pairOf(from[10:]), pairOf(from[12:]), pairOf(from[14:])
		if (a|b|c|d|e|f|g|h)&noPair != 0 {
			return nil, false
		}
		// Six bytes are written as eight: never beyond the letters that were read.
		binary.BigEndian.PutUint64(to, (a<<12|b)<<40|(c<<12|d)<<16)
		binary.BigEndian.PutUint64(to[6:], (e<<12|f)<<40|(g<<12|h)<<16)
		n += decoded
	}
	for _, c := range text[i:] {
		if c < ' ' {
			return nil, false // encoding/base64 passes over line ends
		}
	}
	var rest [decoded]byte
	m, err := base64.StdEncoding.Decode(rest[:], text[i:])
	return append(text[:n], rest[:m]...), err == nil
}

func pairOf(letters []byte) uint64 { return uint64(base64Pairs[binary.LittleEndian.Uint16(letters)]) }
