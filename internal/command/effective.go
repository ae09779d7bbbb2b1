package command

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/flowlog-exporter/flowlog-exporter/internal/config"
)

// check prints what the settings come to. That they are right was seen before.
func check(_ context.Context, p *program, s *settings, _ []string) error {
	return s.effective(p.stdout)
}

// effective writes down the settings as a configuration file, with where each value
// comes from. Passwords are masked. What has no value is left out.
func (s *settings) effective(w io.Writer) error {
	top := &yaml.Node{Kind: yaml.MappingNode}
	inputs := &yaml.Node{Kind: yaml.SequenceNode}
	for _, r := range s.inputs {
		item := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("name"), scalar(r.name)}}
		for _, o := range r.own() {
			r.form.write(item, o)
		}
		inputs.Content = append(inputs.Content, item)
	}
	if len(s.inputs) > 0 {
		top.Content = append(top.Content, scalar("inputs"), inputs)
	}
	for _, o := range s.form.options {
		if key := o.place(); key != "" && spellings[o.name] == "" && s.kindOf(key) == "" {
			s.form.write(top, o)
		}
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	return errors.Join(encoder.Encode(top), encoder.Close())
}

// write adds an option with its value and origin to a mapping.
func (f *form) write(into *yaml.Node, o option) {
	values := f.values(o.name)
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return
	}
	path := strings.Split(o.place(), ".")
	for _, section := range path[:len(path)-1] {
		into = child(into, section)
	}
	key, node := scalar(path[len(path)-1]), scalar(masked(values[0]))
	switch f.kind(o.name) {
	case config.List:
		node = &yaml.Node{Kind: yaml.SequenceNode}
		for _, v := range values {
			node.Content = append(node.Content, scalar(masked(v)))
		}
	case config.Pairs:
		node = &yaml.Node{Kind: yaml.MappingNode}
		for _, v := range values {
			name, value, _ := strings.Cut(v, "=")
			node.Content = append(node.Content, scalar(name), scalar(value))
		}
	}
	if node.Kind == yaml.ScalarNode {
		node.LineComment = f.origin(o.name)
	} else {
		key.LineComment = f.origin(o.name)
	}
	into.Content = append(into.Content, key, node)
}

// origin says where the value of an option comes from.
func (f *form) origin(name string) string {
	for _, n := range []string{name, spelling(name)} {
		if from, ok := f.origins[n]; ok {
			return from.String()
		}
	}
	return "default"
}

// child returns the section of a mapping, which is made if it is not there.
func child(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	section := &yaml.Node{Kind: yaml.MappingNode}
	n.Content = append(n.Content, scalar(name), section)
	return section
}

// scalar returns a text as YAML writes it: quoted where it would be taken for
// something else.
func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	if n.Value != text { // not UTF-8, which is written in base64
		return n
	}
	var plain any
	if yaml.Unmarshal([]byte(text), &plain) == nil {
		if _, quoted := plain.(string); !quoted && plain != nil {
			n.Tag = "" // a number or switch is written as it is
		}
	}
	return n
}

// masked hides the password in a URL.
func masked(value string) string {
	if u, err := url.Parse(value); err == nil && u.User != nil {
		return u.Redacted()
	}
	return value
}
