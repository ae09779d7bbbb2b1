package hcl

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is a CloudFormation template, parsed: maps, lists and texts, with each
// intrinsic function as a map of its long name.
type Template struct {
	Parameters, Conditions, Resources map[string]any
}

// ParseTemplate reads a template.
func ParseTemplate(path string) (*Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return nil, err
	}
	v, err := plain(node.Content[0])
	if err != nil {
		return nil, err
	}
	top, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("the template is no map")
	}
	t := &Template{}
	for name, part := range map[string]*map[string]any{"Parameters": &t.Parameters, "Conditions": &t.Conditions, "Resources": &t.Resources} {
		*part, _ = top[name].(map[string]any)
	}
	return t, nil
}

// plain turns a node into plain values and tags into their long form.
func plain(n *yaml.Node) (any, error) {
	tag := n.Tag
	if !strings.HasPrefix(tag, "!") || strings.HasPrefix(tag, "!!") {
		tag = ""
	}
	var v any
	switch n.Kind {
	case yaml.ScalarNode:
		v = n.Value // numbers and booleans too: CloudFormation takes both for texts
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			item, err := plain(c)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		v = list
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			item, err := plain(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = item
		}
		v = m
	default:
		return nil, fmt.Errorf("line %d: nothing is known of this kind of YAML", n.Line)
	}
	switch tag {
	case "":
		return v, nil
	case "!Ref", "!Condition":
		return map[string]any{tag[1:]: v}, nil
	case "!GetAtt":
		resource, attribute, _ := strings.Cut(n.Value, ".")
		return map[string]any{"Fn::GetAtt": []any{resource, attribute}}, nil
	}
	return map[string]any{"Fn::" + tag[1:]: v}, nil
}

// evaluation is a template with its choices.
type evaluation struct {
	*Template
	parameters map[string]string
	known      func(id, attribute string) string
}

// noValue is what AWS::NoValue stands for: the key that has it is not there.
type noValue struct{}

// Evaluate returns the properties of the resources that the template makes for the
// parameters. What AWS would choose is told by known; the attribute "" is what Ref
// gives.
func (t *Template) Evaluate(parameters map[string]string, known func(id, attribute string) string) (made map[string]map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the template says what this does not know: %v", r)
		}
	}()
	e := &evaluation{t, map[string]string{}, known}
	for name, p := range t.Parameters {
		if text, ok := p.(map[string]any)["Default"].(string); ok {
			e.parameters[name] = text
		}
		if text, ok := parameters[name]; ok {
			e.parameters[name] = text
		}
	}
	made = map[string]map[string]any{}
	for id, r := range t.Resources {
		resource := r.(map[string]any)
		if c, ok := resource["Condition"].(string); ok && !e.condition(t.Conditions[c]) {
			continue
		}
		made[id], _ = e.value(resource["Properties"]).(map[string]any)
	}
	return made, nil
}

func (e *evaluation) condition(v any) bool {
	for name, arg := range v.(map[string]any) {
		list, _ := arg.([]any)
		switch name {
		case "Condition":
			return e.condition(e.Conditions[arg.(string)])
		case "Fn::Equals":
			return e.value(list[0]) == e.value(list[1])
		case "Fn::Not":
			return !e.condition(list[0])
		case "Fn::And":
			return e.condition(list[0]) && e.condition(list[1])
		case "Fn::Or":
			return e.condition(list[0]) || e.condition(list[1])
		}
	}
	panic(fmt.Sprintf("condition %v", v))
}

func (e *evaluation) value(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, item := range v {
			if item = e.value(item); item != (noValue{}) {
				list = append(list, item)
			}
		}
		return list
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return e.call(name, arg)
				}
			}
		}
		m := map[string]any{}
		for name, item := range v {
			if item = e.value(item); item != (noValue{}) {
				m[name] = item
			}
		}
		return m
	}
	return v
}

func (e *evaluation) call(name string, arg any) any {
	list, _ := arg.([]any)
	switch name {
	case "Ref":
		return e.ref(arg.(string))
	case "Fn::GetAtt":
		return e.known(list[0].(string), list[1].(string))
	case "Fn::If":
		if e.condition(e.Conditions[list[0].(string)]) {
			return e.value(list[1])
		}
		return e.value(list[2])
	case "Fn::Sub":
		if text, ok := arg.(string); ok {
			return e.sub(text, nil)
		}
		return e.sub(list[0].(string), e.value(list[1]).(map[string]any))
	}
	panic(name)
}

func (e *evaluation) ref(name string) any {
	switch name {
	case "AWS::NoValue":
		return noValue{}
	case "AWS::AccountId":
		return Account
	case "AWS::Partition":
		return Partition
	case "AWS::Region":
		return Region
	}
	if text, ok := e.parameters[name]; ok {
		return text
	}
	if e.Resources[name] == nil {
		panic("Ref " + name)
	}
	return e.known(name, "")
}

var placeholder = regexp.MustCompile(`\$\{([^}]+)\}`)

func (e *evaluation) sub(text string, own map[string]any) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name := p[2 : len(p)-1]
		if v, ok := own[name]; ok {
			return v.(string)
		}
		if id, attribute, ok := strings.Cut(name, "."); ok {
			return e.known(id, attribute)
		}
		return e.ref(name).(string)
	})
}
