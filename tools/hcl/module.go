// Package hcl holds the Terraform module of the AWS set-up against the CloudFormation
// template: both are evaluated for the same choices, and what they would make is
// compared. It is a module of its own, so that the product does not depend on it.
package hcl

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Module is a Terraform module, parsed.
type Module struct {
	// Variables are the defaults, null where there is none.
	Variables map[string]cty.Value
	locals    map[string]hclsyntax.Expression
	resources map[string]*hclsyntax.Block // by address, as aws_flow_log.to_bucket
}

// Made is what a module or template makes: the attributes of each thing by its
// name, a block as a list, JSON texts as they are.
type Made map[string]map[string]cty.Value

// ParseModule reads the files of a module.
func ParseModule(dir string) (*Module, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s holds no module: %w", dir, err)
	}
	m := &Module{Variables: map[string]cty.Value{}, locals: map[string]hclsyntax.Expression{}, resources: map[string]*hclsyntax.Block{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		parsed, problems := hclsyntax.ParseConfig(text, filepath.Base(file), hcl.InitialPos)
		if problems.HasErrors() {
			return nil, problems
		}
		for _, block := range parsed.Body.(*hclsyntax.Body).Blocks {
			if err := m.add(block); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *Module) add(block *hclsyntax.Block) error {
	switch block.Type {
	case "locals":
		for name, a := range block.Body.Attributes {
			m.locals[name] = a.Expr
		}
	case "variable":
		m.Variables[block.Labels[0]] = cty.NullVal(cty.DynamicPseudoType)
		if a := block.Body.Attributes["default"]; a != nil {
			v, problems := a.Expr.Value(nil)
			if problems.HasErrors() {
				return problems
			}
			m.Variables[block.Labels[0]] = v
		}
	case "resource":
		m.resources[block.Labels[0]+"."+block.Labels[1]] = block
	}
	return nil
}

// The account that everything is evaluated for.
const (
	Account   = "123456789012"
	Partition = "aws"
	Region    = "eu-west-1"
)

// Evaluate returns the resources that the module makes for the variables. What AWS
// would choose, as ARNs, is told by known, for the address of a resource.
func (m *Module) Evaluate(variables map[string]cty.Value, known func(address string) map[string]cty.Value) (Made, error) {
	given := maps.Clone(m.Variables)
	maps.Copy(given, variables)
	scope := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{
		"var": cty.ObjectVal(given),
		"data": cty.ObjectVal(map[string]cty.Value{
			"aws_caller_identity": here("account_id", Account), "aws_partition": here("partition", Partition), "aws_region": here("name", Region),
		}),
	}}
	counts, err := m.settle(scope, known)
	if err != nil {
		return nil, err
	}
	made := Made{}
	for address, n := range counts {
		if n == 0 {
			continue
		}
		if made[address], err = attributes(m.resources[address].Body, scope); err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
	}
	return made, nil
}

func here(name, value string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"here": cty.ObjectVal(map[string]cty.Value{name: cty.StringVal(value)})})
}

// settle evaluates locals and counts in rounds, until all that can be known is.
func (m *Module) settle(scope *hcl.EvalContext, known func(string) map[string]cty.Value) (map[string]int, error) {
	locals, counts := map[string]cty.Value{}, map[string]int{}
	for {
		var open hcl.Diagnostics
		before := len(locals) + len(counts)
		for name, expr := range m.locals {
			if v, problems := expr.Value(scope); problems.HasErrors() {
				open = append(open, problems...)
			} else {
				locals[name] = v
			}
		}
		scope.Variables["local"] = cty.ObjectVal(locals)
		for address, block := range m.resources {
			n, problems := count(block, scope)
			if problems.HasErrors() {
				open = append(open, problems...)
				continue
			}
			counts[address] = n
		}
		m.know(scope, counts, known)
		if len(open) == 0 {
			return counts, nil
		}
		if len(locals)+len(counts) == before {
			return nil, open
		}
	}
}

func count(block *hclsyntax.Block, scope *hcl.EvalContext) (int, hcl.Diagnostics) {
	a := block.Body.Attributes["count"]
	if a == nil {
		return 1, nil
	}
	v, problems := a.Expr.Value(scope)
	if problems.HasErrors() {
		return 0, problems
	}
	n, _ := v.AsBigFloat().Int64()
	return int(n), nil
}

// know puts the resources into scope, a list of them where they have a count.
func (m *Module) know(scope *hcl.EvalContext, counts map[string]int, known func(string) map[string]cty.Value) {
	types := map[string]map[string]cty.Value{}
	for _, address := range slices.Sorted(maps.Keys(counts)) {
		block := m.resources[address]
		one := cty.ObjectVal(known(address))
		switch {
		case block.Body.Attributes["count"] == nil:
		case counts[address] == 0:
			one = cty.EmptyTupleVal
		default:
			one = cty.TupleVal([]cty.Value{one})
		}
		if types[block.Labels[0]] == nil {
			types[block.Labels[0]] = map[string]cty.Value{}
		}
		types[block.Labels[0]][block.Labels[1]] = one
	}
	for name, all := range types {
		scope.Variables[name] = cty.ObjectVal(all)
	}
}

// attributes are what a block says, inner blocks as lists of such.
func attributes(body *hclsyntax.Body, scope *hcl.EvalContext) (map[string]cty.Value, error) {
	said := map[string]cty.Value{}
	for name, a := range body.Attributes {
		if name == "count" || name == "depends_on" {
			continue
		}
		v, problems := a.Expr.Value(scope)
		if problems.HasErrors() {
			return nil, problems
		}
		said[name] = v
	}
	for _, inner := range body.Blocks {
		v, err := attributes(inner.Body, scope)
		if err != nil {
			return nil, err
		}
		said[inner.Type] = cty.ObjectVal(v)
	}
	return said, nil
}

// functions are those of Terraform's that the module calls.
var functions = map[string]function.Function{
	"jsonencode": stdlib.JSONEncodeFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
	"one": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if args[0].LengthInt() == 0 {
				return cty.DynamicPseudoType, nil
			}
			return args[0].Index(cty.Zero).Type(), nil
		},
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			switch args[0].LengthInt() {
			case 0:
				return cty.NullVal(t), nil
			case 1:
				return args[0].Index(cty.Zero), nil
			}
			return cty.NilVal, fmt.Errorf("a list of more than one")
		},
	}),
}
