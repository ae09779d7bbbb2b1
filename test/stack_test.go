//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// stack is what stack.py says of the deployed template.
type stack struct {
	VPC, Subnet, Delivery, Status string
	Made                          []string
	Outputs                       map[string]string
	Policy                        struct{ Statement []statement }
}

// statement is one of a policy, its actions and resources as lists.
type statement struct {
	Sid              string
	Action, Resource words
	Condition        map[string]map[string]words
}

// words is a text or a list of them.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte{'"'}) {
		*w = words{""}
		return json.Unmarshal(text, &(*w)[0])
	}
	return json.Unmarshal(text, (*[]string)(w))
}

// route is one delivery of the template.
type route struct {
	delivery string
	flags    func(o map[string]string) []string
	// left are the types of resources that moto's CloudFormation passes over.
	left []string
	// unasked are actions that S3 itself checks for a call of another name.
	unasked []string
}

var routes = []route{
	{
		delivery: "Kinesis", left: []string{"AWS::Logs::SubscriptionFilter"},
		flags: func(o map[string]string) []string { return []string{"--kinesis.stream", o["StreamArn"]} },
	},
	{
		delivery: "S3", left: []string{"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"}, unasked: []string{"s3:GetObjectVersion", "s3:ListBucket"},
		flags: func(o map[string]string) []string {
			return []string{"--s3.queue-url", o["QueueUrl"], "--s3.allow", o["BucketName"] + "/AWSLogs"}
		},
	},
}

// TestStack deploys the CloudFormation template on moto, for each delivery, and
// runs the exporter with the role that it defines, while moto checks every call
// against the policies.
func TestStack(t *testing.T) {
	program := buildExporter(t)
	for _, r := range routes {
		t.Run(r.delivery, func(t *testing.T) { r.travel(t, program) })
	}
}

func (r route) travel(t *testing.T, program string) {
	w := &world{dir: t.TempDir()}
	w.startServer(t)
	var s stack
	w.run(t, &s, "stack.py", "deploy", r.delivery)
	r.deployed(t, &s)
	role := s.Outputs["ExporterRoleArn"]
	flags := append(r.flags(s.Outputs), "--aws.assume-role", role)

	var printed struct{ Statement []statement }
	policy := w.exporter(t, program, nil, append([]string{"iam"}, flags...)...)
	if err := json.Unmarshal([]byte(policy), &printed); err != nil {
		t.Fatalf("%v: %s", err, policy)
	}
	if !reflect.DeepEqual(printed, s.Policy) {
		t.Errorf("the role may\n%+v\niam prints\n%+v", s.Policy, printed)
	}

	caller := w.exporter(t, program, nil, append([]string{"iam", "--caller"}, flags...)...)
	if err := os.WriteFile(w.file("caller.json"), []byte(caller), 0o600); err != nil {
		t.Fatal(err)
	}
	var key struct{ ID, Secret string }
	w.run(t, &key, "stack.py", "caller")
	var put struct{ Records, Bytes int }
	w.run(t, &put, "stack.py", "put")
	w.run(t, nil, "stack.py", "enforce")

	seen := listen(t, w)
	keys := []string{"AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + key.Secret, "AWS_REGION=" + region}
	r.counts(t, w, program, keys, flags, put.Records, put.Bytes)
	if got, want := seen.list(), r.needed(printed.Statement); !slices.Equal(got, want) {
		t.Errorf("called\n%v\nthe policies allow\n%v", got, want)
	}
	t.Logf("%s: %d resources, calls %v", r.delivery, len(s.Made), seen.list())

	t.Log("\n" + w.exporter(t, program, keys, append([]string{"doctor"}, flags...)...))
	// Without the role the caller may do nothing, or moto would not be checking. It
	// words that as AWS does for EC2 alone.
	refused := w.command(t, program, keys, append([]string{"doctor"}, flags[:len(flags)-2]...)...)
	if out, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(out), "AWS denied ec2:DescribeSubnets") {
		t.Errorf("doctor without the role: %v\n%s", err, out)
	}
}

// deployed wants every resource of the template whose condition holds, but for
// those that moto is known to pass over.
func (r route) deployed(t *testing.T, s *stack) {
	t.Helper()
	if s.Status != "CREATE_COMPLETE" {
		t.Fatalf("the stack is %s", s.Status)
	}
	text, err := os.ReadFile("../deploy/aws/cloudformation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	holds := map[string]bool{"": true, "ByKinesis": r.delivery == "Kinesis", "ByS3": r.delivery == "S3", "MakeRole": true, "OnEC2": true}
	holds["NewLogGroup"], holds["NewStream"], holds["NewBucket"] = holds["ByKinesis"], holds["ByKinesis"], holds["ByS3"]
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^    Type: (AWS::\S+)\n(?:    Condition: (\S+)\n)?(?:    DependsOn|    DeletionPolicy|    Properties)`).FindAllSubmatch(text, -1) {
		if holds[string(m[2])] && !slices.Contains(r.left, string(m[1])) {
			want = append(want, string(m[1]))
		}
	}
	slices.Sort(want)
	if !slices.Equal(s.Made, want) {
		t.Errorf("moto made\n%v\nwant\n%v", s.Made, want)
	}
}

// needed are the actions that the policies allow and that are calls of the same name.
func (r route) needed(statements []statement) (actions []string) {
	actions = []string{"sts:AssumeRole"}
	for _, s := range statements {
		for _, action := range s.Action {
			if !slices.Contains(r.unasked, action) {
				actions = append(actions, action)
			}
		}
	}
	slices.Sort(actions)
	return actions
}

// counts runs the exporter with the role until it shows what was put.
func (r route) counts(t *testing.T, w *world, program string, keys, flags []string, records, size int) {
	t.Helper()
	args := append([]string{"run", "--kinesis.start=trim_horizon", "--web.listen-address=127.0.0.1:0"}, flags...)
	exporter := start(t, "exporter", w.command(t, program, keys, args...))
	address := exporter.awaitLine(t, `(?i)msg="?listening(?: on)?"? .*address=(\S+)`)
	want := []string{
		fmt.Sprintf(`flowlog_received_bytes_total{subnet="10.7.1.0/24",vpc_id=%q} %d`, w.vpc(t), size),
		fmt.Sprintf(`flowlog_received_flows_total{subnet="10.7.1.0/24",vpc_id=%q} %d`, w.vpc(t), records),
	}
	await(t, settleLimit, func() (bool, string) {
		_, metrics := get("http://" + address + "/metrics")
		for _, line := range want {
			if !strings.Contains(metrics, line) {
				return false, "no " + line + " in\n" + strings.Join(regexp.MustCompile(`(?m)^flowlog_(?:received|records|source_request_failures).*[1-9]$`).FindAllString(metrics, -1), "\n")
			}
		}
		return true, ""
	}, exporter)
	if r.delivery == "S3" { // its message goes after the commit, and the other one is put off
		await(t, settleLimit, func() (bool, string) {
			_, metrics := get("http://" + address + "/metrics")
			return strings.Contains(metrics, `flowlog_source_unreadable_messages_total{source="s3"} 1`), "nothing is unreadable"
		}, exporter)
	}
	if status := exporter.stop(t, stopLimit); status != 0 {
		t.Errorf("exit status %d\n%s", status, exporter.said.tail(20))
	}
}

// startServer starts moto alone, which checks policies when it is told to.
func (w *world) startServer(t *testing.T) {
	t.Helper()
	w.server = start(t, "moto", exec.CommandContext(t.Context(), python, "-B", "stack_server.py"))
	said := regexp.MustCompile(`listening (\S+)\n`)
	await(t, settleLimit, func() (bool, string) { // on a busy machine its start takes long
		return said.Match(w.server.said.bytes()), "moto does not listen"
	}, w.server)
	w.endpoint = "http://" + string(said.FindSubmatch(w.server.said.bytes())[1])
}

func (w *world) vpc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(w.file("stack.json"))
	var s stack
	if err != nil || json.Unmarshal(text, &s) != nil {
		t.Fatalf("stack.json: %v: %s", err, text)
	}
	return s.VPC
}

// command is the exporter with the environment of the world.
func (w *world) command(t *testing.T, program string, keys []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(w.environment(), keys...)
	return cmd
}

// exporter runs a command of the exporter to its end and returns what it prints.
func (w *world) exporter(t *testing.T, program string, keys []string, args ...string) string {
	t.Helper()
	cmd := w.command(t, program, keys, args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(program), err, out, &complaint)
	}
	return string(out)
}

// calls are the operations that went by, as actions of IAM. Safe for concurrent use.
type calls struct {
	mu   sync.Mutex
	seen map[string]bool
}

// listen puts a proxy before the server of the world, which hears what is called.
func listen(t *testing.T, w *world) *calls {
	t.Helper()
	server, err := url.Parse(w.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c, onward := &calls{seen: map[string]bool{}}, httputil.NewSingleHostReverseProxy(server)
	proxy := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		c.hear(r)
		onward.ServeHTTP(answer, r)
	}))
	t.Cleanup(proxy.Close)
	w.endpoint = proxy.URL
	return c
}

var scope = regexp.MustCompile(`Credential=[^/]+/\d+/[^/]*/([a-z0-9]+)/aws4_request`)

func (c *calls) hear(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	service := "unsigned"
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		service = m[1]
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if form, err := url.ParseQuery(string(body)); operation == "" && err == nil {
		operation = form.Get("Action")
	}
	if service == "s3" && r.Method == http.MethodGet {
		operation = "GetObject"
		if strings.Count(strings.Trim(r.URL.Path, "/"), "/") == 0 {
			operation = "ListBucket"
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[service+":"+strings.TrimSuffix(operation, "Batch")] = true
}

func (c *calls) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.seen))
}
