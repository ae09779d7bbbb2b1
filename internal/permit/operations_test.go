package permit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// actions are what IAM asks for each operation that the program calls:
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var actions = map[string][]string{
	"kinesis.DescribeStreamSummary": {"kinesis:DescribeStreamSummary"},
	"kinesis.GetRecords":            {"kinesis:GetRecords"},
	"kinesis.GetShardIterator":      {"kinesis:GetShardIterator"},
	"kinesis.ListShards":            {"kinesis:ListShards"},
	// Asked for the names of other streams when one is missing; without it the
	// sentence has none.
	"kinesis.ListStreams":              {},
	"ec2.DescribeFlowLogs":             {"ec2:DescribeFlowLogs"},
	"ec2.DescribeNetworkInterfaces":    {"ec2:DescribeNetworkInterfaces"},
	"ec2.DescribeSubnets":              {"ec2:DescribeSubnets"},
	"sqs.ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
	"sqs.DeleteMessageBatch":           {"sqs:DeleteMessage"},
	"sqs.GetQueueAttributes":           {"sqs:GetQueueAttributes"},
	"sqs.ReceiveMessage":               {"sqs:ReceiveMessage"},
	// Of a version that is named, and to hear that an object is gone.
	"s3.GetObject":     {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"},
	"s3.ListObjectsV2": {"s3:ListBucket"},
	"sts.AssumeRole":   {"sts:AssumeRole"},
	// Nobody needs a permission to hear who he is.
	"sts.GetCallerIdentity": {},
}

var clients = map[string]reflect.Type{
	"kinesis": reflect.TypeFor[*kinesis.Client](), "ec2": reflect.TypeFor[*ec2.Client](), "sqs": reflect.TypeFor[*sqs.Client](),
	"s3": reflect.TypeFor[*s3.Client](), "sts": reflect.TypeFor[*sts.Client](),
}

const (
	services = "github.com/aws/aws-sdk-go-v2/service/"
	roles    = "github.com/aws/aws-sdk-go-v2/credentials/stscreds"
)

// TestPolicyIsWhatTheCodeCalls reads the source: every operation of an AWS client
// that it names is known here, and their actions together are those that the
// policies allow, no more and no fewer.
func TestPolicyIsWhatTheCodeCalls(t *testing.T) {
	called := operations(t, "../..")
	if got, want := sorted(called), slices.Sorted(maps.Keys(actions)); !slices.Equal(got, want) {
		t.Errorf("the code calls\n%v\nknown are\n%v", got, want)
	}
	needed := map[string]bool{}
	for operation := range called {
		for _, action := range actions[operation] {
			needed[action] = true
		}
	}
	everything := Needs{
		Streams: []Stream{{Name: "s"}}, Subnets: true, Formats: true, Queues: []Queue{{Account: "123456789012", Name: "q"}}, Archives: []Place{{Bucket: "b"}},
	}
	allowed := map[string]bool{}
	for _, p := range []Policy{everything.Policy(), Assume("arn:aws:iam::123456789012:role/r")} {
		for _, s := range p.Statement {
			for _, action := range s.Action {
				allowed[action] = true
			}
		}
	}
	if !maps.Equal(needed, allowed) {
		t.Errorf("the code needs\n%v\nthe policies allow\n%v", sorted(needed), sorted(allowed))
	}
}

// operations are the methods of AWS clients that the program's own code names.
func operations(t *testing.T, tree string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(tree, "internal"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if name == roles {
				found["sts.AssumeRole"] = true // by the provider of credentials
			}
			service, ok := strings.CutPrefix(name, services)
			if !ok || strings.Contains(service, "/") {
				continue
			}
			client := clients[service]
			if client == nil {
				t.Errorf("%s: nothing is known of the actions of %s", file, service)
				continue
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && isOperation(client, s.Sel.Name) {
					found[service+"."+s.Sel.Name] = true
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// isOperation reports whether the client has a call of that name.
func isOperation(client reflect.Type, name string) bool {
	method, ok := client.MethodByName(name)
	return ok && method.Type.NumIn() == 4 && method.Type.In(2).Kind() == reflect.Pointer && method.Type.In(2).Elem().Name() == name+"Input"
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
