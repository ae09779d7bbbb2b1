package config

import "go.yaml.in/yaml/v3"

// values reads what a key holds as texts; not ok is a mistake that is noted.
func (r *reader) values(path string, n *yaml.Node, kind Kind) (values []string, ok bool) {
	switch {
	case kind == List && n.Kind == yaml.SequenceNode:
		return r.sequence(path, n)
	case kind == Pairs:
		return r.pairs(path, n)
	}
	value, ok := r.scalar(path, n, kind)
	return []string{value}, ok
}

func (r *reader) sequence(path string, n *yaml.Node) (values []string, ok bool) {
	ok = true
	for _, item := range n.Content {
		value, one := r.scalar(path, item, Value)
		values, ok = append(values, value), ok && one
	}
	return values, ok
}

func (r *reader) pairs(path string, n *yaml.Node) (values []string, ok bool) {
	if n.Kind != yaml.MappingNode {
		r.wrong(placeOf(n), "%s holds names with a value each", path)
		return nil, false
	}
	ok = true
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, whole := r.scalar(path, n.Content[i], Value)
		value, also := r.scalar(path, n.Content[i+1], Value)
		if before, again := first[name]; again && whole {
			r.wrong(placeOf(n.Content[i]), "%s has %s twice, first on line %d; remove one", path, name, before)
			also = false
		}
		first[name] = n.Content[i].Line
		values, ok = append(values, name+"="+value), ok && whole && also
	}
	return values, ok
}

// scalar reads one text. Numbers and switches are read as they are written.
func (r *reader) scalar(path string, n *yaml.Node, kind Kind) (value string, ok bool) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.wrong(placeOf(n), "anchors, aliases and merges are not read; write the value out")
	case isNull(n):
		r.wrong(placeOf(n), "%s has no value; give it one, or leave the key out", path)
	case n.Kind != yaml.ScalarNode && kind == List:
		r.wrong(placeOf(n), "%s is one value or a list of them", path)
	case n.Kind != yaml.ScalarNode:
		r.wrong(placeOf(n), "%s is one value", path)
	case n.Tag == "!!binary":
		r.wrong(placeOf(n), "%s is text; write it plainly", path)
	default:
		return n.Value, true
	}
	return "", false
}
