package flowlog

import (
	"encoding/binary"
	"math"
)

// rows decodes the next n rows: present says which have a value, and index, of
// the values that there are, which of the dictionary each is.
func (p *pages) rows(n int, present, index []uint32) (values int, err error) {
	p.here -= int64(n)
	values = n
	if p.optional {
		if !p.levels.read(present[:n]) {
			return 0, refuse("a page of column %.40q is damaged", p.name)
		}
		values = 0
		for _, level := range present[:n] {
			values += int(level)
		}
	} else {
		for i := range present[:n] {
			present[i] = 1
		}
	}
	if !p.coded {
		return values, nil
	}
	if !p.index.read(index[:values]) {
		return 0, refuse("a page of column %.40q is damaged", p.name)
	}
	for _, i := range index[:values] {
		if int64(i) >= p.entries {
			return 0, refuse("a page of column %.40q refers to what its dictionary lacks", p.name)
		}
	}
	return values, nil
}

// noNumber stands for a value that is no number at all.
const noNumber = math.MinInt64

// numbers decodes values that are numbers. A fraction becomes -1.
func (p *pages) numbers(out []int64, index []uint32) error {
	width, _ := p.width()
	from, size := p.values, int64(len(out))*width
	switch {
	case p.coded:
		from = p.dictionary
	case size > int64(len(from)):
		return refuse("a page of column %.40q is damaged", p.name)
	default:
		p.values = p.values[size:]
	}
	for i := range out {
		at := i * int(width)
		if p.coded {
			at = int(index[i]) * int(width)
		}
		switch p.physical {
		case parquetInt32:
			n := binary.LittleEndian.Uint32(from[at:])
			if out[i] = int64(int32(n)); p.unsigned {
				out[i] = int64(n)
			}
		case parquetInt64:
			out[i] = int64(binary.LittleEndian.Uint64(from[at:]))
		case parquetFloat:
			out[i] = whole(float64(math.Float32frombits(binary.LittleEndian.Uint32(from[at:]))))
		case parquetDouble:
			out[i] = whole(math.Float64frombits(binary.LittleEndian.Uint64(from[at:])))
		}
	}
	return nil
}

// whole makes an integer of a float. Writers that know no absent integer make
// floats of the column, and NaN of what is absent.
func whole(v float64) int64 {
	switch {
	case math.IsNaN(v):
		return noNumber
	case v < 0 || v > maxAmount || v != math.Trunc(v):
		return -1
	}
	return int64(v)
}

// texts decodes values that are texts, as views.
func (p *pages) texts(out [][]byte, index []uint32) error {
	for i := range out {
		switch {
		case p.physical == parquetFixed && p.coded:
			out[i] = p.dictionary[int64(index[i])*p.length:][:p.length:p.length]
		case p.physical == parquetFixed:
			if p.length > int64(len(p.values)) {
				return refuse("a page of column %.40q is damaged", p.name)
			}
			out[i], p.values = p.values[:p.length:p.length], p.values[p.length:]
		case p.coded:
			at := p.dictionary[p.starts[index[i]]:]
			size := binary.LittleEndian.Uint32(at)
			out[i] = at[4 : 4+size : 4+size]
		default:
			if len(p.values) < 4 || int64(binary.LittleEndian.Uint32(p.values)) > int64(len(p.values)-4) {
				return refuse("a page of column %.40q is damaged", p.name)
			}
			end := 4 + binary.LittleEndian.Uint32(p.values)
			out[i], p.values = p.values[4:end:end], p.values[end:]
		}
	}
	return nil
}
