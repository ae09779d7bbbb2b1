package traffic

import "strconv"

const (
	// plain is where Prometheus begins to write numbers in scientific notation.
	plain = 1_000_000
	// exact is the first integer behind which a float64, as which Prometheus
	// reads every value, has to round.
	exact = 1 << 53
)

// appendValue appends a number as Prometheus writes a float64: the shortest text
// that reads as the same one. OpenMetrics has a point or an exponent in each.
func appendValue(b []byte, v uint64, openMetrics bool) []byte {
	switch {
	case v >= exact:
		return strconv.AppendFloat(b, float64(v), 'g', -1, 64)
	case v >= plain:
		return appendScientific(b, v)
	}
	b = strconv.AppendUint(b, v, 10)
	if openMetrics {
		b = append(b, ".0"...)
	}
	return b
}

// appendScientific appends a number of seven to sixteen digits, such as
// 1.2345e+06. It is strconv's shortest text of an integer, for two thirds of
// the time.
func appendScientific(b []byte, v uint64) []byte {
	first := len(b)
	b = strconv.AppendUint(append(b, 0), v, 10)
	b[first], b[first+1] = b[first+1], '.' // the digit before the point
	exponent := len(b) - first - 2
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return append(b, 'e', '+', '0'+byte(exponent/10), '0'+byte(exponent%10))
}
