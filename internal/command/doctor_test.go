package command

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
)

// clinic is what the doctor is sent to: the Kinesis endpoint of the demo, and as
// much of STS, EC2, SQS and S3 as it asks.
type clinic struct {
	kinesis http.Handler
	denied  string        // the one action that is not allowed
	ahead   time.Duration // of the clock of AWS before ours
	format  string        // of the flow log of the log group
	failed  string        // why the flow log is not delivered
	changes *atomic.Int32 // calls that are no questions
}

const clinicUser = "arn:aws:iam::123456789012:user/exporter"

func (c *clinic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.Header().Set("Date", time.Now().Add(c.ahead).UTC().Format(http.TimeFormat))
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if m := regexp.MustCompile(`Action=(\w+)`).FindStringSubmatch(string(body)); service == "" && m != nil {
		operation = m[1]
	}
	if !regexp.MustCompile(`^(Get|List|Describe)`).MatchString(operation) && r.Method != http.MethodGet {
		c.changes.Add(1)
	}
	switch {
	case strings.HasPrefix(service, "Kinesis"):
		if c.denied == "kinesis:"+operation {
			c.refuse(w, "arn:aws:kinesis:eu-west-1:123456789012:stream/vpc-flow-logs")
			return
		}
		c.kinesis.ServeHTTP(w, r)
	case service == "AmazonSQS":
		fmt.Fprint(w, `{"Attributes":{"ApproximateNumberOfMessages":"7","VisibilityTimeout":"60","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:123456789012:dead\"}"}}`)
	case r.Method == http.MethodGet:
		c.object(w, r)
	default:
		c.query(w, operation)
	}
}

func (c *clinic) refuse(w http.ResponseWriter, resource string) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action"}`,
		clinicUser, c.denied, resource, c.denied)
}

// query answers in the protocol of STS and EC2.
func (c *clinic) query(w http.ResponseWriter, action string) {
	if c.denied == "ec2:"+action {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors></Response>`)
		return
	}
	fmt.Fprint(w, map[string]string{
		"GetCallerIdentity": `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>` + clinicUser + `</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
		"DescribeSubnets":   `<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/24</cidrBlock></item></subnetSet></DescribeSubnetsResponse>`,
		"DescribeNetworkInterfaces": `<DescribeNetworkInterfacesResponse><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId></item>` +
			`<item><networkInterfaceId>eni-2</networkInterfaceId><subnetId>subnet-1</subnetId></item></networkInterfaceSet></DescribeNetworkInterfacesResponse>`,
		"DescribeFlowLogs": `<DescribeFlowLogsResponse><flowLogSet><item><flowLogId>fl-1</flowLogId><resourceId>vpc-1</resourceId><trafficType>ALL</trafficType>` +
			`<maxAggregationInterval>60</maxAggregationInterval><logFormat>` + c.format + `</logFormat>` + c.status() + `</item></flowLogSet></DescribeFlowLogsResponse>`,
	}[action])
}

func (c *clinic) status() string {
	if c.failed == "" {
		return `<deliverLogsStatus>SUCCESS</deliverLogsStatus>`
	}
	return `<deliverLogsStatus>FAILED</deliverLogsStatus><deliverLogsErrorMessage>` + c.failed + `</deliverLogsErrorMessage>`
}

// object answers for S3, where nothing is that is asked for.
func (c *clinic) object(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, code, message string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
	}
	denial := "User: " + clinicUser + " is not authorized to perform: %s on resource: \"arn:aws:s3:::%[2]s\" because no identity-based policy allows the %[1]s action"
	switch {
	case strings.Contains(r.URL.Path, "gone"):
		answer(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case c.denied == "s3:GetObject" || c.denied == "s3:ListBucket":
		answer(http.StatusForbidden, "AccessDenied", fmt.Sprintf(denial, c.denied, strings.TrimPrefix(r.URL.Path, "/")))
	default:
		answer(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	}
}

// subscribed is a delivery of CloudWatch Logs.
func subscribed(t *testing.T, kind, group string, lines ...string) []byte {
	t.Helper()
	events := []map[string]any{}
	for i, line := range lines {
		events = append(events, map[string]any{"id": fmt.Sprintf("%056d", i), "timestamp": 1700000000000, "message": line})
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	err := json.NewEncoder(z).Encode(map[string]any{
		"messageType": kind, "owner": "123456789012", "logGroup": group, "logStream": "eni-1-all", "subscriptionFilters": []string{"f"}, "logEvents": events,
	})
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const (
	defaultLine  = "2 123456789012 eni-1 10.0.0.1 203.0.113.9 443 50000 6 10 5000 1700000000 1700000060 ACCEPT OK"
	shortFormat  = "${version} ${srcaddr} ${dstaddr} ${bytes}"
	shortLine    = "2 10.0.0.1 203.0.113.9 5000"
	usualFormat  = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
	doctorStream = "-stream vpc-flow-logs -region eu-west-1"
)

// visit is one way in which the doctor is asked.
type visit struct {
	name, remark string
	args         string
	clinic       clinic
	put          [][]byte
	age          time.Duration // of what was put
	anonymous    bool          // without credentials
	sound        bool
	nobody       bool   // runs it
	file         string // the configuration file, as FILE
	// prepare makes what the check of the state meets, in STATE.
	prepare func(t *testing.T, state string)
}

func visits(t *testing.T) []visit {
	usual := [][]byte{subscribed(t, "DATA_MESSAGE", "/vpc/flow-logs", defaultLine, defaultLine)}
	return []visit{
		{name: "All is well", sound: true, args: doctorStream + " --state.path STATE", put: usual},
		{
			name: "All is well, by S3 and Firehose", sound: true, remark: "What is not there is not asked for.",
			args: "--s3.queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/flow-logs --s3.allow bucket/AWSLogs --firehose.listen 127.0.0.1:0 --firehose.access-key-file KEYS",
		},
		{
			name: "A file has several inputs", remark: "What is about one input has its name, and what is about one region that of the region. The file:",
			args: "--config.file FILE", put: usual, file: "testdata/inputs.yml",
		},
		{name: "There are no credentials", args: doctorStream, put: usual, anonymous: true},
		{name: "The region has a slip", args: "-stream vpc-flow-logs -region eu-wst-1", put: usual},
		{name: "The stream does not exist", args: "-stream nope -region eu-west-1", put: usual},
		{name: "AWS denies the records", args: doctorStream, put: usual, clinic: clinic{denied: "kinesis:GetRecords"}},
		{name: "AWS denies the subnets", args: doctorStream, put: usual, clinic: clinic{denied: "ec2:DescribeSubnets"}},
		{
			name: "AWS denies what can be done without", sound: true, args: doctorStream, put: usual, clinic: clinic{denied: "ec2:DescribeNetworkInterfaces"},
		},
		{name: "Nothing arrives any more", args: doctorStream, put: usual, age: 5 * time.Hour},
		{name: "Nothing has arrived yet", args: doctorStream},
		{name: "There was only the probe of CloudWatch Logs", sound: true, args: doctorStream, put: [][]byte{subscribed(t, "CONTROL_MESSAGE", "", "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.")}},
		{name: "The flow log is not delivered", args: doctorStream, put: usual, clinic: clinic{failed: "Access error"}},
		{name: "The stream has something else in it", args: doctorStream, put: [][]byte{[]byte(`{"version":"0","detail-type":"x"}`)}},
		{
			name: "The format is not the default, and may not be asked", args: doctorStream, put: [][]byte{subscribed(t, "DATA_MESSAGE", "/vpc/flow-logs", shortLine)},
			clinic: clinic{format: shortFormat, denied: "ec2:DescribeFlowLogs"},
		},
		{
			name: "The format is not the default, and is learned", sound: true, args: doctorStream, put: [][]byte{subscribed(t, "DATA_MESSAGE", "/vpc/flow-logs", shortLine)},
			clinic: clinic{format: shortFormat},
		},
		{name: "The clock is wrong", args: doctorStream, put: usual, clinic: clinic{ahead: 10 * time.Minute}},
		{
			name: "The bucket may not be read", args: "--s3.queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/flow-logs --s3.allow bucket/AWSLogs --s3.allow gone",
			clinic: clinic{denied: "s3:GetObject"},
		},
		{
			name: "What is gone from the bucket can't be told", sound: true, args: "--s3.queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/flow-logs --s3.allow bucket",
			clinic: clinic{denied: "s3:ListBucket"},
		},
		{
			name: "The state is in use", args: "--file.path testdata/default.log --subnets.file testdata/subnets.txt --state.path STATE",
			prepare: func(t *testing.T, state string) {
				held, err := ledger.OpenFile(state)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { held.Close() })
			},
		},
		{
			name: "The state may not be written", nobody: true, args: "--file.path testdata/default.log --subnets.file testdata/subnets.txt --state.path STATE",
			prepare: func(t *testing.T, state string) {
				if err := os.Mkdir(state, 0o555); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
}

// TestDoctor sends the real binary to a clinic for each visit. What it says is
// docs/doctor.md; go test ./internal/command -run TestDoctor -update writes the page.
func TestDoctor(t *testing.T) {
	if _, err := binary(); err != nil { // else what is put grows old while it is built
		t.Fatal(err)
	}
	page := &strings.Builder{}
	page.WriteString("# What doctor finds\n\n" +
		"`flowlog-exporter doctor` takes the flags and the configuration file of `run` and asks each link of the chain, from the credentials to the newest record, whether\n" +
		"it holds. It changes nothing, takes at most ten seconds for each link, and ends with status 0, or 3 when one is broken; 2 is for mistakes in the settings, which it\n" +
		"tells as `check` does. ✓ holds, ✗ is broken, – was not looked at and says why.\n" +
		"Of a stream it reads a few of the newest records, out of the two megabytes a second that all readers of a shard share. Of a queue it takes no message, and of a\n" +
		"bucket it asks for an object that is not there.\n\n" +
		"Each transcript is from the real binary; times are evened out.\n")
	for _, v := range visits(t) {
		t.Run(v.name, func(t *testing.T) { v.transcribe(t, page) })
	}
	golden(t, tree+"/docs/doctor.md", page.String())
}

// ports are those of the page for any that are free.
var ports = strings.NewReplacer("127.0.0.1:0", ":8443", "localhost:0", ":8444")

func (v *visit) transcribe(t *testing.T, page *strings.Builder) {
	dir := t.TempDir()
	for _, above := range []string{dir, filepath.Dir(dir)} { // the binary may run as nobody
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	state, keysFile := filepath.Join(dir, "state"), filepath.Join(dir, "keys")
	if err := os.WriteFile(keysFile, []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "flowlog-exporter.yml")
	if v.file != "" {
		text, err := os.ReadFile(v.file)
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, config, string(text))
		v.remark += "\n\n```yaml\n" + string(text) + "```"
	}
	if v.prepare != nil {
		v.prepare(t, state)
	}
	v.clinic.changes = new(atomic.Int32)
	p := v.begin(t, strings.Fields(strings.NewReplacer("STATE", state, "KEYS", keysFile, "FILE", config).Replace(v.args)))
	status := p.exit()
	if want := map[bool]int{true: exitOK, false: exitUnhealthy}[v.sound]; status != want {
		t.Errorf("exit status %d, want %d:\n%s%s", status, want, &p.stdout, p.output)
	}
	if n := v.clinic.changes.Load(); n != 0 {
		t.Errorf("%d calls that may change something", n)
	}
	fmt.Fprintf(page, "\n## %s\n\n", v.name)
	if v.remark != "" {
		page.WriteString(ports.Replace(v.remark) + "\n\n")
	}
	names := strings.NewReplacer("STATE", "/var/lib/flowlog-exporter", "KEYS", "/etc/flowlog/keys", "FILE", "flowlog-exporter.yml")
	found := strings.NewReplacer(state, names.Replace("STATE"), keysFile, names.Replace("KEYS"), config, names.Replace("FILE")).Replace(p.stdout.String() + p.output.String())
	for _, r := range []struct{ pattern, by string }{
		{`arrived \d{1,2}s ago`, "arrived 2s ago"}, {`one arrived (5h0m\d+s|4h59m5\ds) ago`, "one arrived 5h0m0s ago"},
		{`(10m\d+s|9m5\ds) behind`, "10m0s behind"}, {`for user \d+`, "for user 65534"},
	} {
		found = regexp.MustCompile(r.pattern).ReplaceAllString(found, r.by)
	}
	fmt.Fprintf(page, "```console\n$ flowlog-exporter doctor %s\n%s$ echo $?\n%d\n```\n", ports.Replace(names.Replace(v.args)), ports.Replace(found), status)
}

// TestDoctorTellsMistakesOfTheFile: as check does, all of them, and asks nobody.
func TestDoctorTellsMistakesOfTheFile(t *testing.T) {
	said := map[string]string{}
	for _, command := range []string{"check", "doctor"} {
		p := start(t, nil, command, "--config.file", "testdata/broken.yml")
		if status := p.exit(); status != exitUsage || p.stdout.String() != "" {
			t.Errorf("%s: exit status %d: %s", command, status, &p.stdout)
		}
		said[command] = p.output.String()
	}
	if said["doctor"] != said["check"] || strings.Count(said["doctor"], "testdata/broken.yml:") < 2 {
		t.Errorf("doctor says\n%s\ncheck says\n%s", said["doctor"], said["check"])
	}
}

// TestDoctorGoesByRegions: inputs of one region are together, and so are those that a
// mistake keeps from having one.
func TestDoctorGoesByRegions(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	s, err := fromFile(t, `
inputs:
  - name: a
    kinesis: {stream: a}
  - name: slip
    kinesis: {stream: "arn:aws:kinesis:eu-wst-1:123456789012:stream/s"}
  - name: again
    kinesis: {stream: "arn:aws:kinesis:eu-wst-1:123456789012:stream/t"}
  - name: b
    kinesis: {stream: "arn:aws:kinesis:eu-west-1:123456789012:stream/b"}
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.patients(t.Context()) {
		got = append(got, fmt.Sprint(p.region.Of, p.region.Readers, p.region.Err != nil))
	}
	if want := []string{"eu-west-1[a b] false", "slip, again[slip again] true"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// begin starts the binary before a clinic of its own.
func (v *visit) begin(t *testing.T, args []string) *process {
	age := v.age
	stream := &demo.Kinesis{Stream: "vpc-flow-logs", Shards: 2, Now: func() time.Time { return time.Now().Add(v.clinic.ahead - age) }}
	for _, data := range v.put {
		stream.Put(data)
	}
	age = 0
	c := v.clinic
	c.kinesis = stream
	if c.format == "" {
		c.format = usualFormat
	}
	server := httptest.NewServer(&c)
	t.Cleanup(server.Close)
	env := []string{"AWS_ENDPOINT_URL=" + server.URL}
	if strings.Contains(v.args, "eu-wst-1") {
		env = nil // an endpoint of one's own takes any region
	}
	if !v.anonymous {
		env = append(env, keys...)
	}
	p := prepare(t, env, append([]string{"doctor"}, args...)...)
	if v.nobody && os.Geteuid() == 0 { // to whom nothing is forbidden
		if err := os.Chmod(filepath.Dir(p.cmd.Path), 0o755); err != nil {
			t.Fatal(err)
		}
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	return p.begin()
}
