package flowlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// beside reads a faulty message between two good ones, and returns what became
// of the faulty one.
func beside(t *testing.T, o Options, faulty string) []string {
	t.Helper()
	r := NewReader(o)
	var all []collected
	for _, message := range []string{v2Line, faulty, v2Line} {
		var c collected
		if err := r.Read(flow.Body{Data: []byte(message)}, c.add); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, neighbour := range []int{0, 2} {
		if len(all[neighbour].records) != 1 {
			t.Errorf("a neighbour of the fault is read as %s", all[neighbour].show())
		}
	}
	return all[1].show()
}

// faults reads faulty messages.
func faults(t *testing.T, messages map[string]string, want ...string) {
	t.Helper()
	for name, message := range messages {
		if diff := cmp.Diff(want, beside(t, Options{}, message)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFault37ControlMessage(t *testing.T) {
	control := `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],` +
		`"logEvents":[{"id":"","timestamp":1510109208016,"message":"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}]}`
	faults(t, map[string]string{"plain": control, "gzip": zip(control), "base64": b64(zip(control))}, "skipped control 1")
}

func TestFault38ForeignMessage(t *testing.T) {
	faults(t, map[string]string{
		"unknown type": `{"messageType":"SURPRISE_MESSAGE","logEvents":[{"id":"1","message":"` + v2Line + `"}]}`,
		"not JSON":     `{"messageType":"DATA_MESSAGE",]`,
	}, "failure envelope 1")
	faults(t, map[string]string{"wrong magic": "\x1f\x8c\x08\x00" + zip(v2Line)[4:], "Parquet": "PAR1\x15\x04"}, "failure content 1")

	var log bytes.Buffer
	beside(t, Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))}, "\x1f\x8c"+strings.Repeat("\x00\xff\x1b", 1000))
	var told struct {
		SHA256 string `json:"sha256"`
		First  string `json:"first_bytes"`
	}
	if err := json.Unmarshal(log.Bytes(), &told); err != nil || len(told.SHA256) != 32 || len(told.First) != maxSample {
		t.Errorf("%v: the sample is %+v", err, told)
	}
}

func TestFault39BrokenGzip(t *testing.T) {
	whole := zip(v2Line)
	flipped := []byte(whole)
	flipped[len(flipped)-6] ^= 1
	faults(t, map[string]string{
		"cut off": whole[:len(whole)-9], "bit flip": string(flipped), "trailing junk": whole + "junk", "second member cut off": whole + whole[:20],
	}, "failure decompress 1")
	if got := beside(t, Options{}, zip(v2Line+"\n", v2Line)); len(got) != 2 {
		t.Errorf("two members: %s", got)
	}
}

func TestFault40Bomb(t *testing.T) {
	zeros := strings.Repeat("\x00", 16<<20)
	blanks := strings.Repeat(v2Line+strings.Repeat(" ", 60<<10)+"\n", 100) // 6 MiB that gzip makes 200 times smaller
	for name, bomb := range map[string]string{"gzip": zip(zeros), "zstd": zst(zeros), "gzip of blanks": zip(blanks), "zstd of blanks": zst(blanks)} {
		r := NewReader(Options{})
		var whole, pieces collected
		if err := errors.Join(r.Read(flow.Body{Data: []byte(bomb)}, whole.add), r.Read(flow.Body{Stream: strings.NewReader(bomb)}, pieces.add)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"failure limit 1"}, whole.show()); diff != "" {
			t.Errorf("%s of %d bytes: %s", name, len(bomb), diff)
		}
		if pieces.Failures[flow.Limit] != 1 && pieces.Failures[flow.Content] != 1 {
			t.Errorf("%s as a stream: %s", name, (&collected{Failures: pieces.Failures}).show())
		}
		if n := len(pieces.records); strings.HasSuffix(name, "blanks") && n == 100 {
			t.Errorf("%s as a stream: all of it counts", name)
		}
	}
}

// Repeated text compresses well, and is no bomb when it is small or has the
// ratio of no bomb.
func TestFault40RatioOfGoodMessages(t *testing.T) {
	line := v2Line + "\n"
	small := strings.Repeat(line, RatioFrom/len(line))
	if n := len(zip(small)); n*MaxRatio > len(small) {
		t.Fatalf("%d bytes of %d are within the ratio", n, len(small))
	}
	var large strings.Builder // 3 MiB of which all lines differ
	for i := range 30_000 {
		large.WriteString(strings.Replace(line, "4249", fmt.Sprint(i), 1))
	}
	for name, text := range map[string]string{"small": small, "large": large.String()} {
		for coding, message := range map[string]string{"gzip": zip(text), "zstd": zst(text)} {
			want := strings.Count(text, "\n")
			for way, body := range map[string]flow.Body{"data": {Data: []byte(message)}, "stream": {Stream: strings.NewReader(message)}} {
				got := 0
				err := NewReader(Options{}).Read(body, func(b *Block) error { got += len(b.Records); return nil })
				if err != nil || got != want {
					t.Errorf("%s %s of %d bytes as %s: %d records, want %d; %v", name, coding, len(message), way, got, want, err)
				}
			}
		}
	}
}

func TestFault41HugeJSON(t *testing.T) {
	event := `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"%s"}]}`
	faults(t, map[string]string{"message of 10 MiB": fmt.Sprintf(event, strings.Repeat("x", 10<<20))}, "skipped malformed 1")
	deep := strings.Repeat("[", 5<<20)
	faults(t, map[string]string{
		"deep lists":   `{"x":` + deep,
		"deep objects": strings.Repeat(`{"x":`, 1<<20),
		"closed":       `{"x":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`,
		"deep events":  `{"logEvents":` + deep,
		"endless text": `{"messageType":"` + strings.Repeat("x", 10<<20),
	}, "failure envelope 1")
	columns := strings.Repeat("1 ", 5<<20)
	faults(t, map[string]string{"10 MiB of columns": fmt.Sprintf(event, columns)}, "skipped malformed 1")
	faults(t, map[string]string{"a line of columns": strings.Repeat("1 ", MaxLine/2)}, "skipped format 1")
	header := make([]string, MaxColumns+1)
	for i := range header {
		header[i] = fmt.Sprint("field", i)
	}
	copy(header, []string{"version", "account-id"})
	faults(t, map[string]string{"a header of columns": strings.Join(header, " ")}, "skipped format 1")
}

// dirty is what no log line may hold: control characters of ASCII and C1, line
// ends of Unicode, the direction of writing, and bytes that are no UTF-8.
const dirty = "\x00\x07\b\t\v\r\x1b[31m\x7f\u0080\u0085\u009b2J\u2028\u2029\u202e\ufeff\xff\xc3("

func TestFault42ControlCharacters(t *testing.T) {
	line := strings.Replace(v2Line, "eni-1235b8ca123456789", "eni-\x01\x1b\x7f\u009b\xff\x00", 1)
	if got := beside(t, Options{}, v2Line+strings.Repeat("\n"+v2Line, 10)+"\n"+line); len(got) != 12 {
		t.Errorf("a dirty field costs more than itself: %d lines are told", len(got))
	}
	faults(t, map[string]string{"a dirty column": "#" + strings.Repeat(" ", sniffed) +
		"\n" + strings.Replace(v2Line, " 6 ", " \x00\xff ", 1)}, "skipped malformed 1", "skipped format 1")
	faults(t, map[string]string{"dirty text": "x" + dirty}, "failure content 1")
}

// Whatever the data holds, what is logged of it is printable text, one line a
// time. DEL and C1 are not escaped by the handlers themselves.
func TestFault42NothingButPrintableTextIsLogged(t *testing.T) {
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"logfmt": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON":   func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log bytes.Buffer
		logger := slog.New(handler(&log))
		lookup := func(ctx context.Context, group string) ([]string, error) {
			return []string{"srcaddr " + dirty, group}, errors.New(dirty)
		}
		for _, formats := range []Formats{nil, &Lookup{Ask: lookup, Logger: logger}} {
			for _, body := range []string{
				dirty, "\x00" + dirty, "x " + dirty, gzipMagic + dirty, "H4sI" + dirty, kplMagic + dirty, zip(dirty), "{" + dirty,
				`{"` + dirty + `":1}`, `{"messageType":"` + `\u001b[2J\u0000` + `"}`,
				envelope("group"+dirty, "stream"+dirty, "a line that fits no format "+dirty), envelope("group"+dirty, "s", `{"a":1}`),
				envelope("group\n"+strings.Repeat("x\x7f", 32<<10), "s", "mismatch", `{"a":1}`), envelope("group/a", "s", "mismatch"),
				"srcaddr dstaddr moon-phase " + dirty + "\n10.0.0.1", "srcaddr moon-phase\n10.0.0.1 " + dirty,
			} {
				o := Options{Logger: logger, Formats: formats} // notices of its own: all is told
				read(t, o, body)
				readStream(t, o, body)
				failing := errors.New("disk")
				if err := NewReader(o).Read(flow.Body{Stream: &fails{failing}, Place: flow.Place{Partition: dirty}}, nil); err == nil ||
					!printableText(err.Error()) {
					t.Errorf("error %q", err)
				}
			}
		}
		text := log.String()
		for line := range strings.Lines(text) {
			if !printableText(strings.TrimSuffix(line, "\n")) || !strings.Contains(line, "level") || len(line) > 4096 {
				t.Errorf("%s: a line of %d bytes: %.400q", name, len(line), line)
			}
		}
		for _, want := range []string{"cannot be decoded", "fits no", "log transformer", "moon-phase", "cannot be looked up", "is left out"} {
			if want == "fits no" {
				want = "the known format has"
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s: nothing is said of %q", name, want)
			}
		}
	}
}

// A question that panics keeps nobody waiting, and is put again later.
func TestFault46PoisonOfALookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		l := &Lookup{Refresh: time.Minute, Ask: func(context.Context, string) ([]string, error) {
			asked++
			if time.Sleep(time.Second); asked == 1 {
				panic("poison")
			}
			return []string{"srcaddr"}, nil
		}}
		go func() {
			defer func() { _ = recover() }()
			l.For([]byte("g"))
		}()
		synctest.Wait()
		expect(t, l, "g", 14) // waits for the answer of the other
		time.Sleep(time.Minute)
		expect(t, l, "g", 1)
	})
}

// What is no name of a log group is not asked for, and takes no place.
func TestNamesThatAWSDoesNotTake(t *testing.T) {
	a := &asked{formats: map[string][]string{}}
	l := &Lookup{Ask: a.ask}
	longest := strings.Repeat("x", MaxGroupName)
	for _, name := range []string{"a b", "g" + dirty, "é", longest + "x", "a:b", "/aws/vpc.flow_logs-1#A", longest} {
		expect(t, l, name, 14)
	}
	if len(a.count) != 2 || a.count[longest] != 1 || len(l.groups) != 2 {
		t.Errorf("%d names were asked for, %d are kept", len(a.count), len(l.groups))
	}
}

func TestNoticesKeepNoLongNames(t *testing.T) {
	var n Notices
	if long := strings.Repeat("x", 1<<20); !n.once("kind", long) || n.once("kind", long) || !n.once("kind", "x") {
		t.Error("a long name is not told once")
	}
	for told := range n.told {
		if len(told.key) > maxKey {
			t.Errorf("a key of %d bytes", len(told.key))
		}
	}
}

// fails is a stream that fails.
type fails struct{ err error }

func (f *fails) Read([]byte) (int, error) { return 0, f.err }

func printableText(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"/aws/vpc/flow-logs", "/aws/vpc/flow-logs"}, {"wörld ☃ 'a' \"b\"", "wörld ☃ 'a' \"b\""}, {`\n`, `\\n`}, {"\n\x1b\x7f", `\n\x1b\x7f`},
		{"\u009b\u2028", `\u009b\u2028`}, {"\xff\xc3(", `\xff\xc3(`}, {"", ""}, {strings.Repeat("x", 600), strings.Repeat("x", 512)},
		{strings.Repeat("x", 509) + "\x1b", strings.Repeat("x", 509)}, {strings.Repeat("x", 508) + "\x1b", strings.Repeat("x", 508) + `\x1b`},
	} {
		if got := Printable(test.text); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestFault43Columns(t *testing.T) {
	custom := "srcaddr packets bytes log-status"
	set := Fixed(mustParse(t, custom))
	for line, want := range map[string]string{
		"10.0.0.1 1 40 OK": "record src=10.0.0.1 packets=1 bytes=40", "- - - NODATA": "skipped nodata 1", "- - - SKIPDATA": "skipped skipdata 1",
		"- - - -": "skipped nodata 1", "10.0.0.1 - 40 OK": "record src=10.0.0.1 bytes=40",
		"10.0.0.1 1 40 OK extra": "skipped format 1", "10.0.0.1 1 40": "skipped format 1", "10.0.0.1 1 40 FINE": "skipped malformed 1",
	} {
		if diff := cmp.Diff([]string{want}, read(t, Options{Formats: set}, line).show()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
	got := read(t, Options{}, "log-status bytes packets srcaddr\nOK 40 1 10.0.0.1").show()
	if diff := cmp.Diff([]string{"record src=10.0.0.1 packets=1 bytes=40"}, got); diff != "" {
		t.Errorf("another order (-want +got):\n%s", diff)
	}
}

func TestFault44Numbers(t *testing.T) {
	for _, column := range []int{8, 9, 10, 11} { // packets, bytes, start, end
		for _, number := range []string{"-1", "1.5", "1e9", "0x1", "NaN", "18446744073709551616", "36893488147419103232", "+1", "1,000"} {
			faults(t, map[string]string{number: edit(column, number)}, "skipped malformed 1")
		}
	}
	rec, result := parse(Default, edit(9, "9007199254740991"))
	if result != Parsed || rec.Bytes != maxAmount {
		t.Errorf("the largest number is %d", rec.Bytes)
	}
	// Times that cannot be cost no traffic: they are read as they stand.
	rec, result = parse(Default, strings.Replace(v2Line, "1418530010 1418530070", "4102444860 4102444800", 1))
	if result != Parsed || rec.Start != 4102444860 || rec.End != 4102444800 {
		t.Errorf("end before start in 2100: result %d, %d to %d", result, rec.Start, rec.End)
	}
}

func TestFault45KPL(t *testing.T) {
	if got := beside(t, Options{}, kpl(zip(v2Line), v2Line)); len(got) != 2 {
		t.Errorf("aggregated: %s", got)
	}
	faults(t, map[string]string{
		"magic alone":    kplMagic,
		"wrong checksum": kpl(v2Line)[:len(kpl(v2Line))-1] + "x",
		"no protobuf":    seal("\xff\xff\xff"),
		"text behind":    kplMagic + v2Line,
	}, "failure content 1")
}
