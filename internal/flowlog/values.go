package flowlog

import (
	"math"
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// maxSeconds is the latest time a record may carry, in Unix seconds (the year
// 5138). Larger values are milliseconds, which AWS has been seen to write:
// https://github.com/obsrvbl-oss/flowlogs-reader/blob/main/tests/test_flowlogs_reader.py
const maxSeconds = 100_000_000_000

// number reads an unsigned decimal integer of at most limit. Signs, blanks,
// fractions, exponents and "NaN" are no numbers.
func number(text []byte, limit uint64) (n uint64, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		digit := uint64(c - '0')
		if digit > 9 || n > math.MaxUint64/10 || n*10 > math.MaxUint64-digit {
			return 0, false
		}
		n = n*10 + digit
	}
	return n, n <= limit
}

func checkNumber(_ *flow.Record, v []byte) bool {
	_, ok := number(v, math.MaxUint64)
	return ok
}

func setOctet(to *uint8, v []byte) bool {
	n, ok := number(v, math.MaxUint8)
	*to = uint8(n)
	return ok
}

func setPort(to *uint16, v []byte) bool {
	n, ok := number(v, math.MaxUint16)
	*to = uint16(n)
	return ok
}

// maxAmount bounds the packets and the bytes of a record: what a float64 holds
// exactly, and a thousand times what an interface can move in a window.
const maxAmount = 1<<53 - 1

func setAmount(to *uint64, v []byte) bool {
	n, ok := number(v, maxAmount)
	*to = n
	return ok
}

func setTime(to *int64, v []byte) bool {
	n, ok := number(v, maxSeconds*1000)
	if n > maxSeconds {
		n /= 1000
	}
	*to = int64(n)
	return ok
}

func setAddr(to *netip.Addr, v []byte) bool {
	a, ok := parseAddr(v)
	*to = a
	return ok
}

// setAccountID leaves out "unknown", which AWS writes for interfaces that an
// AWS service made.
func setAccountID(r *flow.Record, v []byte) bool {
	if string(v) != "unknown" {
		r.AccountID = v
	}
	return true
}

func setAction(r *flow.Record, v []byte) bool {
	switch string(v) {
	case "ACCEPT":
		r.Action = flow.Accept
	case "REJECT":
		r.Action = flow.Reject
	default:
		return false
	}
	return true
}

func setDirection(r *flow.Record, v []byte) bool {
	switch string(v) {
	case "ingress":
		r.Direction = flow.Ingress
	case "egress":
		r.Direction = flow.Egress
	default:
		return false
	}
	return true
}
