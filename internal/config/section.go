package config

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/flowlog-exporter/flowlog-exporter/internal/nearest"
)

// scope is what may stand in a mapping: what of the schema has the path before it.
type scope struct {
	schema *Schema
	path   string // with a dot at its end, or empty
}

// names are the keys that a mapping of the scope may have.
func (s *scope) names() []string {
	found := map[string]bool{}
	for key := range s.schema.Keys {
		if rest, ok := strings.CutPrefix(key, s.path); ok {
			name, _, _ := strings.Cut(rest, ".")
			found[name] = true
		}
	}
	if s.path == "" {
		for key := range s.schema.Lists {
			found[key] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// section reads a mapping.
func (r *reader) section(into *Section, n *yaml.Node, s *scope) {
	switch {
	case isNull(n): // all of it is commented out
		return
	case n.Kind != yaml.MappingNode:
		r.wrong(placeOf(n), "%s is a section: it holds keys, as %s", s.title(), strings.Join(s.names(), ", "))
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if before, again := first[key.Value]; again {
			r.wrong(placeOf(key), "%s stands twice, first on line %d; remove one", s.path+key.Value, before)
			continue
		}
		first[key.Value] = key.Line
		r.key(into, key, value, s)
	}
}

// title is how mistakes call the scope.
func (s *scope) title() string {
	if s.path == "" {
		return "this"
	}
	return strings.TrimSuffix(s.path, ".")
}

// key reads one key of a mapping with what it holds.
func (r *reader) key(into *Section, key, value *yaml.Node, s *scope) {
	path := s.path + key.Value
	if value.Kind == yaml.AliasNode || value.Anchor != "" || key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
		r.wrong(placeOf(key), "anchors, aliases and merges are not read; write the value out")
		return
	}
	if kind, ok := s.schema.Keys[path]; ok {
		if values, ok := r.values(path, value, kind); ok {
			into.Entries = append(into.Entries, Entry{placeOf(value), path, values})
		}
		return
	}
	if schema := s.schema.Lists[path]; schema != nil {
		r.list(into, path, value, schema)
		return
	}
	inner := &scope{s.schema, path + "."}
	if len(inner.names()) == 0 {
		r.unknown(key, s)
		return
	}
	r.section(into, value, inner)
}

// list reads a list of sections.
func (r *reader) list(into *Section, path string, n *yaml.Node, schema *Schema) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(placeOf(n), "%s is a list: begin each of its sections with -", path)
		return
	}
	for _, item := range n.Content {
		section := Section{Place: placeOf(item)}
		if item.Kind == yaml.AliasNode || item.Anchor != "" {
			r.wrong(placeOf(item), "anchors, aliases and merges are not read; write the value out")
			continue
		}
		r.section(&section, item, &scope{schema: schema})
		if into.Lists == nil {
			into.Lists = map[string][]Section{}
		}
		into.Lists[path] = append(into.Lists[path], section)
	}
}

// unknown notes a key that does not exist, with the one that was probably meant.
func (r *reader) unknown(key *yaml.Node, s *scope) {
	text := s.path + key.Value + " is no key"
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	if near := nearest.To(key.Value, s.names()); near != "" {
		r.wrong(placeOf(key), "%s; did you mean %s?", text, s.path+near)
	} else if there := s.schema.elsewhere(key.Value); there != "" {
		r.wrong(placeOf(key), "%s; did you mean %s?", text, there)
	} else {
		r.wrong(placeOf(key), "%s; here stand %s", text, strings.Join(s.names(), ", "))
	}
}

// elsewhere returns the one path that ends in the name, "" for none or several.
func (s *Schema) elsewhere(name string) (found string) {
	for _, path := range s.paths("") {
		if strings.HasSuffix("."+path, "."+name) {
			if found != "" {
				return ""
			}
			found = path
		}
	}
	return found
}

// paths are all keys with a value, those of lists too.
func (s *Schema) paths(before string) (all []string) {
	for key := range s.Keys {
		all = append(all, before+key)
	}
	for key, schema := range s.Lists {
		all = append(all, schema.paths(before+key+"[].")...)
	}
	return all
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
