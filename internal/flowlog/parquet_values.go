package flowlog

import (
	"encoding/binary"
	"math"
)

// rows decodes the next n rows. It returns how many have a value; unless all do,
// present says which. By index, each has one of the dictionary, or what stands
// behind the last.
func (p *pages) rows(n int, present, index []uint32) (values int, err error) {
	p.here -= int64(n)
	values = n
	if p.optional && !p.levels.pass(1, n) {
		if !p.levels.read(present[:n]) {
			return 0, refuse("a page of column %.40q is damaged", p.name)
		}
		values = 0
		for _, level := range present[:n] {
			values += int(level)
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
	expand(index, values, present, uint32(p.entries))
	return values, nil
}

// noNumber stands for a value that is no number at all.
const noNumber = math.MinInt64

// isNumber reports whether the values are numbers.
func (p *pages) isNumber() bool {
	_, fixed := p.width()
	return fixed && p.physical != parquetFixed
}

// numbers decodes the numbers of n rows, of which so many have a value.
func (p *pages) numbers(b *parquetRows, n, values int) error {
	out := b.numbers[:n]
	if p.coded {
		for i, index := range b.index[:n] {
			out[i] = p.words.numbers[index]
		}
		return nil
	}
	width, _ := p.width()
	size := int64(values) * width
	if size > int64(len(p.values)) {
		return refuse("a page of column %.40q is damaged", p.name)
	}
	p.decode(out[:values], p.values)
	p.limit(out[:values])
	p.values = p.values[size:]
	expand(out, values, b.present[:], noNumber)
	return nil
}

// decode reads numbers that stand in from. A fraction becomes -1.
func (p *pages) decode(out []int64, from []byte) {
	width, _ := p.width()
	for i := range out {
		b := from[i*int(width):]
		switch p.physical {
		case parquetInt32:
			n := binary.LittleEndian.Uint32(b)
			if out[i] = int64(int32(n)); p.unsigned {
				out[i] = int64(n)
			}
		case parquetInt64:
			out[i] = int64(binary.LittleEndian.Uint64(b))
		case parquetFloat:
			out[i] = whole(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		case parquetDouble:
			out[i] = whole(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	}
}

// limit makes -1 of numbers beyond the limits that lines have. Times are in
// seconds or milliseconds, as in lines, unless the schema says more.
func (p *pages) limit(numbers []int64) {
	o := p.plan.op
	if o >= numNumbers {
		return
	}
	limit, isTime := limits[o], o == opStart || o == opEnd
	if isTime {
		limit = maxSeconds * 1000
	}
	for i, n := range numbers {
		if isTime && p.perSecond > 0 && n > 0 {
			n /= p.perSecond
		}
		switch {
		case n == noNumber:
		case n < 0 || uint64(n) > limit:
			n = -1
		case isTime && n > maxSeconds:
			n /= 1000
		}
		numbers[i] = n
	}
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

// entry returns a text of the dictionary as a view, none behind the last one.
func (p *pages) entry(index uint32) []byte {
	switch {
	case int64(index) >= p.entries:
		return nil
	case p.physical == parquetFixed:
		return p.dictionary[int64(index)*p.length:][:p.length:p.length]
	}
	at := p.dictionary[p.starts[index]:]
	size := binary.LittleEndian.Uint32(at)
	return at[4 : 4+size : 4+size]
}

// texts decodes texts that stand in the page, as views.
func (p *pages) texts(out [][]byte) error {
	for i := range out {
		from, end := uint32(0), uint32(p.length)
		if p.physical != parquetFixed {
			if len(p.values) < 4 || int64(binary.LittleEndian.Uint32(p.values)) > int64(len(p.values)-4) {
				return refuse("a page of column %.40q is damaged", p.name)
			}
			from, end = 4, 4+binary.LittleEndian.Uint32(p.values)
		}
		if int64(end) > int64(len(p.values)) {
			return refuse("a page of column %.40q is damaged", p.name)
		}
		out[i], p.values = p.values[from:end:end], p.values[end:]
	}
	return nil
}
