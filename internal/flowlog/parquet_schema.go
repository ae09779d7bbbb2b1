package flowlog

import "strings"

// element is a column as the schema has it.
type element struct {
	name     string
	physical int64
	optional bool
	repeated bool
	unsigned bool
	// perSecond is what of a timestamp make a second; 0 is not said.
	perSecond int64
	length    int64 // of a value, where all are of the same
	children  int64
}

// readSchema reads the columns of the first level.
func readSchema(t *thrift) (columns []element, err error) {
	root, below := true, int64(0)
	t.structs(func() {
		e := readElement(t)
		switch {
		case root:
			root = false
		case below > 0:
			below += e.children - 1
		case len(columns) == MaxColumns:
			err = refuseLimit("it has more than %d columns", MaxColumns)
			t.fail()
		default:
			columns = append(columns, e)
			below = e.children
		}
	})
	return columns, err
}

func readElement(t *thrift) (e element) {
	e.physical = -1
	t.fields(func(id int64, kind byte) bool {
		switch {
		case id == 1 && isInt(kind):
			e.physical = t.varint()
		case id == 2 && isInt(kind):
			e.length = t.varint()
		case id == 3 && isInt(kind):
			repetition := t.varint()
			e.optional, e.repeated = repetition == 1, repetition == 2
		case id == 4 && kind == thriftBinary:
			e.name = string(t.text())
		case id == 5 && isInt(kind):
			e.children = t.varint()
		case id == 6 && isInt(kind):
			converted := t.varint()
			e.unsigned = converted >= 11 && converted <= 14                  // UINT_8 to UINT_64
			if unit, ok := map[int64]int64{9: 1e3, 10: 1e6}[converted]; ok { // as older writers say it
				e.perSecond = unit
			}
		case id == 10 && kind == thriftStruct:
			e.readLogical(t)
		default:
			return false
		}
		return true
	})
	if e.children < 0 || e.children > int64(len(t.buf)) {
		t.fail()
	}
	return e
}

// readLogical reads what a column means, of which only the unit of timestamps
// matters here.
func (e *element) readLogical(t *thrift) {
	inside := func(field int64, read func(id int64, kind byte) bool) func(id int64, kind byte) bool {
		return func(id int64, kind byte) bool {
			if id != field || kind != thriftStruct {
				return false
			}
			t.fields(read)
			return true
		}
	}
	const timestamp, unit = 8, 2
	t.fields(inside(timestamp, inside(unit, func(id int64, _ byte) bool {
		e.perSecond = map[int64]int64{1: 1e3, 2: 1e6, 3: 1e9}[id]
		return false
	})))
}

// format returns the format that the names of the columns are, and for each of
// its columns which one of the schema it is. A name that cannot be one of AWS
// is passed over.
func (f *footer) format() (format *Format, at []int, err error) {
	var names []string
	for i, e := range f.columns {
		if name, ok := fieldName(e.name); ok && e.children == 0 {
			names, at = append(names, name), append(at, i)
		}
	}
	if len(names) == 0 {
		return nil, nil, refuse("it has no column of a flow log")
	}
	format, err = ParseFormat(strings.Join(names, " "))
	if err != nil {
		return nil, nil, refuse("its columns are no flow log: %v", err)
	}
	if 2*len(format.unknown) > len(format.columns) {
		return nil, nil, refuse("most of its columns are no fields of a flow log")
	}
	return format, at, nil
}
