package traffic

import (
	"strconv"
	"testing"
)

func BenchmarkNumber(b *testing.B) {
	values := make([]uint64, 1024)
	for i := range values {
		n := uint64(i*12 + i%12)
		values[i] = n * n * 1234567
	}
	b.Run("ours", func(b *testing.B) {
		var text []byte
		for b.Loop() {
			text = text[:0]
			for _, v := range values {
				text = appendValue(text, v, false)
			}
		}
	})
	b.Run("strconv", func(b *testing.B) {
		var text []byte
		for b.Loop() {
			text = text[:0]
			for _, v := range values {
				text = strconv.AppendFloat(text, float64(v), 'g', -1, 64)
			}
		}
	})
}
