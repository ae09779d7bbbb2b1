package flowlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// envelope writes a subscription envelope as CloudWatch Logs does.
func envelope(logGroup, logStream string, lines ...string) string {
	type logEvent struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	events := []logEvent{}
	for i, line := range lines {
		events = append(events, logEvent{fmt.Sprintf("event-%d", i), 1418530010000, line})
	}
	text, err := json.Marshal(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": logGroup, "logStream": logStream,
		"subscriptionFilters": []string{"f"}, "logEvents": events,
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// tiny is a format whose lines are short enough for tests to write.
func tiny(t testing.TB) *Set { return Fixed(mustParse(t, "srcaddr packets")) }

func TestEnvelopes(t *testing.T) {
	const (
		a    = `{"id":"1","message":"10.0.0.1 1"}`
		head = `{"messageType":"DATA_MESSAGE","logEvents":`
		recA = "record src=10.0.0.1 packets=1 event=1"
	)
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"one event", head + `[` + a + `]}`, []string{recA}},
		{"no events", head + `[]}`, nil},
		{"events before their group", `{"logEvents":[` + a + `],"owner":"42","logStream":"eni-12ab-all","messageType":"DATA_MESSAGE"}`,
			[]string{"record account=42 interface=eni-12ab src=10.0.0.1 packets=1 event=1"}},
		{"a stream that is no interface", head + `[` + a + `],"logStream":"eni-x-all"}`, []string{recA}},
		{"a stream that is all interface", head + `[` + a + `],"logStream":"eni-0f"}`,
			[]string{"record interface=eni-0f src=10.0.0.1 packets=1 event=1"}},
		{"number as id", head + `[{"id":0,"timestamp":1,"message":"10.0.0.1 1"}]}`, []string{"record src=10.0.0.1 packets=1 event=0"}},
		{"no id", head + `[{"message":"10.0.0.1 1"}]}`, []string{"record src=10.0.0.1 packets=1"}},
		{"null", head + `[{"id":null,"message":"10.0.0.1 1"}],"owner":null}`, []string{"record src=10.0.0.1 packets=1"}},
		{"escapes", head + `[{"id":"\u0031","message":"10.0.0.1\t\u0031\r\n"}]}`, []string{recA}},
		{"escaped keys", `{"message\u0054ype":"DATA\u005fMESSAGE","log\u0045vents":[{"i\u0064":"1","message":"10.0.0.1 1"}]}`, []string{recA}},
		{"escaped owner", head + `[` + a + `],"owner":"\u0034\u0032","logStream":"eni-\u0031"}`,
			[]string{"record account=42 interface=eni-1 src=10.0.0.1 packets=1 event=1"}},
		{"unknown keys of all kinds", head + `[{"extractedFields":{"a":null,"b":[1,-2.5e+3,{}]},"id":"1","message":"10.0.0.1 1","x":true}],` +
			`"policyLevel":"ACCOUNT_LEVEL_POLICY","y":[[],[{}],false,null,0,""]}`, []string{recA}},
		{"of equal keys the last counts", head + `[` + a + `,7],"logEvents":[{"id":"0","message":"x","id":"1","message":"10.0.0.1 1"}]}`,
			[]string{recA}},
		{"line end in the message", head + `[{"id":"1","message":"10.0.0.1 1\n"}]}`, []string{recA}},
		{"a bad line costs itself", head + `[{"id":"0","message":"10.0.0.1 NaN"},` + a + `,{"message":""},{},{"message":"- -"}]}`,
			[]string{recA, "skipped nodata 1", "skipped malformed 1", "skipped format 2"}},
		{"JSON in a message", head + `[{"message":"{\"version\":2}"},{"message":{"version":2}},` + a + `]}`,
			[]string{recA, "skipped format 2"}},
		{"control", `{"messageType":"CONTROL_MESSAGE","logEvents":[` + a + `,` + a + `]}`, []string{"skipped control 2"}},
		{"documents in a row", head + `[` + a + `]}` + head + `[` + a + `]}` + "\n\n" + head + `[]}`, []string{recA, recA}},
		{"a foreign document costs itself", head + `[` + a + `]}` + ` {"records":[]} ` + head + `[` + a + `]}`,
			[]string{recA, recA, "failure envelope 1"}},
		{"a broken document ends the body", head + `[` + a + `]}` + head + `[` + a + `}` + head + `[` + a + `]}`,
			[]string{recA, "failure envelope 1"}},
		{"broken behind its events", head + `[` + a + `],}`, []string{"failure envelope 1"}},
		{"control character", head + `[` + a + `],"x":"` + "\n" + `"}`, []string{"failure envelope 1"}},
		{"cut off", head + `[` + a + `]`, []string{"failure envelope 1"}},
		{"text behind", head + `[` + a + `]} x`, []string{recA, "failure envelope 1"}},
		{"zero byte behind", head + `[` + a + "]}\x00", []string{recA, "failure envelope 1"}},
		{"no type", `{"logEvents":[` + a + `]}`, []string{"failure envelope 1"}},
		{"foreign type", `{"messageType":"TEST","logEvents":[` + a + `]}`, []string{"failure envelope 1"}},
		{"no events key", `{"messageType":"DATA_MESSAGE"}`, []string{"failure envelope 1"}},
		{"events null", head + `null}`, []string{"failure envelope 1"}},
		{"event that is none", head + `[` + a + `,7]}`, []string{"failure envelope 1"}},
		{"message that is a number", head + `[{"message":7}]}`, []string{"failure envelope 1"}},
		{"id that is a list", head + `[{"id":[],"message":""}]}`, []string{"failure envelope 1"}},
		{"owner that is a number", head + `[` + a + `],"owner":7}`, []string{"failure envelope 1"}},
		{"keys are told by case", `{"MessageType":"DATA_MESSAGE","logEvents":[` + a + `]}`, []string{"failure envelope 1"}},
		{"deepest", head + `[` + a + `],"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, []string{recA}},
		{"too deep", head + `[` + a + `],"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, []string{"failure envelope 1"}},
		{"message longer than a line", head + `[{"message":"` + strings.Repeat(" ", 7*MaxLine) + `10.0.0.1 1"},` + a + `]}`,
			[]string{recA, "skipped malformed 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, got := range map[string]*collected{
				"data":   read(t, Options{Formats: tiny(t)}, test.body),
				"stream": readStream(t, Options{Formats: tiny(t)}, test.body),
			} {
				if diff := cmp.Diff(test.want, got.show(), compare); diff != "" {
					t.Errorf("as %s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestOneNoDataLineCostsNoneOfItsNeighbours(t *testing.T) {
	nodata := "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
	got := read(t, Options{}, envelope("g", "eni-1-all", v2Line, v2Line, nodata, v2Line, v2Line))
	if len(got.records) != 4 || got.Skipped[flow.NoData] != 1 || got.Skipped.Sum() != 1 {
		t.Errorf("%s", got.show())
	}
}

func TestLineWinsOverItsSurroundings(t *testing.T) {
	got := read(t, Options{}, envelope("g", "eni-0000-all", v2Line, edit(2, "-"), edit(1, "unknown")))
	for i, want := range []string{"account=123456789010 interface=eni-1235b8ca123456789 ", "account=123456789010 interface=eni-0000 ",
		"account=123456789012 interface=eni-1235b8ca123456789 "} {
		if !strings.Contains(got.records[i], want) {
			t.Errorf("%s, want %s", got.records[i], want)
		}
	}
}

func TestMoreEventsThanABlockHolds(t *testing.T) {
	const n = 2*BlockRecords + 5
	body := envelope("g", "eni-1", make([]string, n)...)
	body = strings.ReplaceAll(body, `"message":""`, `"message":"10.0.0.1\t1"`)
	records, blocks := 0, 0
	err := NewReader(Options{Formats: tiny(t)}).Read(flow.Body{Data: []byte(body)}, func(b *Block) error {
		for i := range b.Records {
			if want := fmt.Sprintf("event-%d", records+i); string(b.Records[i].EventID) != want {
				t.Fatalf("record %d is %q", records+i, b.Records[i].EventID)
			}
		}
		records, blocks = records+len(b.Records), blocks+1
		return nil
	})
	if err != nil || records != n || blocks != 3 {
		t.Fatalf("%d records in %d blocks, %v", records, blocks, err)
	}
}

func TestInterfaceOfALogStream(t *testing.T) {
	for stream, want := range map[string]string{
		"eni-12345678-all": "eni-12345678", "eni-0f-reject": "eni-0f", "eni-0f": "eni-0f", "eni-1235b8ca123456789": "eni-1235b8ca123456789",
		"eni-": "", "eni--all": "", "eni-xyz-all": "", "eni-12_all": "", "": "", "flows": "", "x-eni-12-all": "",
	} {
		if got := string(interfaceOf([]byte(stream))); got != want {
			t.Errorf("%q: %q, want %q", stream, got, want)
		}
	}
}

// The records of a document keep their texts while the next one is decoded.
func TestTextsOfDocumentsStayApart(t *testing.T) {
	doc := `{"messageType":"DATA_MESSAGE","owner":"\u004%d","logStream":"eni-\u003%d","logEvents":[{"id":"\u005%d","message":"10.0.0.1\t1"}]}`
	body, want := "", []string(nil)
	for i := 1; i < 10; i++ {
		body += fmt.Sprintf(doc, i, i, i)
		want = append(want, fmt.Sprintf("record account=%c interface=eni-%d src=10.0.0.1 packets=1 event=%c", '@'+i, i, 'P'+i))
	}
	for name, got := range map[string]*collected{
		"data":   read(t, Options{Formats: tiny(t)}, body),
		"stream": through(t, strings.NewReader(body), 150, Options{Formats: tiny(t)}),
	} {
		if diff := cmp.Diff(want, got.show()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Escapes are undone for one block at a time, and for no line that fails.
func TestScratchIsBounded(t *testing.T) {
	blanks := strings.Repeat("\t", MaxLine-20)
	bad := envelope("g", "s", strings.Repeat("\t", 4*MaxLine), blanks, blanks, blanks, blanks, blanks)
	good := envelope("g", "s", "10.0.0.1"+blanks+"1")
	for name, body := range map[string]string{"bad lines": bad, "good lines": good} {
		r := NewReader(Options{Formats: tiny(t)})
		for range 10 {
			if err := r.Read(flow.Body{Data: []byte(body)}, func(*Block) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if n := cap(r.scratch); n > 2*MaxLine {
			t.Errorf("%s: %d bytes are kept", name, n)
		}
	}
}

// A document lacks its end wherever it is cut, and is never taken for broken.
func TestCutDocumentsAreShort(t *testing.T) {
	text := `{"messageType":"DATA_MESSAGE","a":[true,false,null,-1.5e-3,0,{"b":"\u00e9\n"}],"logEvents":[{"id":12,"message":"x","c":"é"}]}`
	for n := range text {
		var d document
		var scratch []byte
		s := scanner{buf: []byte(text[:n])}
		if s.document(&d, &scratch) || !s.short() {
			t.Errorf("cut behind %q: not short", text[:n])
		}
	}
}

// oracle reads documents with encoding/json. It returns what the messages and
// ids are, and how the reading ended.
func oracle(body []byte) (events []string, failures int) {
	type str = *string
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err == io.EOF {
			return events, failures
		} else if err != nil || raw[0] != '{' || depth(raw) > maxDepth {
			return events, failures + 1
		}
		var doc, event map[string]json.RawMessage
		var list []json.RawMessage
		var kind, owner, group, stream str
		if json.Unmarshal(raw, &doc) != nil {
			return events, failures + 1
		}
		get := func(from map[string]json.RawMessage, key string, to any) bool {
			v, ok := from[key]
			return !ok || json.Unmarshal(v, to) == nil
		}
		good := get(doc, "messageType", &kind) && get(doc, "owner", &owner) && get(doc, "logGroup", &group) &&
			get(doc, "logStream", &stream) && get(doc, "logEvents", &list) && list != nil && kind != nil &&
			(*kind == "DATA_MESSAGE" || *kind == "CONTROL_MESSAGE")
		var mine []string
		for _, e := range list {
			event = nil
			if !good || json.Unmarshal(e, &event) != nil || event == nil {
				good = false
				break
			}
			var id, message str
			object := len(event["message"]) > 0 && event["message"][0] == '{'
			if !object && !get(event, "message", &message) {
				good = false
			}
			text := func(s str) string {
				if s == nil {
					return ""
				}
				return *s
			}
			var number json.Number
			if raw := event["id"]; len(raw) > 0 && (raw[0] == '-' || digit(raw[0])) {
				good = good && json.Unmarshal(raw, &number) == nil
			} else if !get(event, "id", &id) {
				good = false
			}
			mine = append(mine, fmt.Sprintf("%s/%s/%s %q %q %v", *kind, text(owner), text(group), text(id)+number.String(), text(message), object))
		}
		if !good {
			failures++
			continue
		}
		events = append(events, mine...)
	}
}

// depth returns how deep JSON is nested.
func depth(raw []byte) (deepest int) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	for n := 0; ; {
		token, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			n++
			deepest = max(deepest, n)
		case json.Delim('}'), json.Delim(']'):
			n--
		}
	}
}

// scanned reads documents with the scanner and says the same as oracle.
func scanned(body []byte) (events []string, failures int) {
	s := scanner{buf: body}
	var d document
	var scratch []byte
	for s.peek() != 0 || s.pos < len(body) {
		if !s.document(&d, &scratch) {
			return events, failures + 1
		}
		if d.kind(&scratch) == messageForeign {
			failures++
			continue
		}
		for i := range d.events {
			id, message := d.events[i].id, d.events[i].message
			events = append(events, fmt.Sprintf("%s/%s/%s %q %q %v", d.messageType.bytes(&scratch), d.owner.bytes(&scratch),
				d.logGroup.bytes(&scratch), id.bytes(&scratch), message.bytes(&scratch), message.kind == kindObject))
		}
	}
	return events, failures
}

func FuzzEnvelope(f *testing.F) {
	for _, line := range sample(f, "Complete CloudWatch Logs").lines {
		f.Add([]byte(line))
	}
	f.Add([]byte(envelope("g", "eni-1", v2Line, "é\x01\"\\")))
	for _, s := range []string{
		`{"logEvents":[{"id":1.5e3,"message":"\ud83d\ude00\ud83dx\ude00\ud83d\ud83d\ude00"}],"messageType":"DATA_MESSAGE","owner":"\u0034"}`,
		"{\"logEvents\":[{\"id\":-0,\"message\":\"\xff\xc3\xe2\x98\x83\"}],\"messageType\":\"DATA_MESSAGE\"}",
		`{"messageType":"DATA_MESSAGE","logEvents":[null]} {"messageType":"CONTROL_MESSAGE","logEvents":[{}]}`,
		`{"messageType":"DATA_MESSAGE","logEvents":[{"message":{"a":[1,2,{}]}},{"message":"","message":null}],"logEvents":null}`,
		`{"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, `{"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	} {
		f.Add([]byte(s))
	}
	// Good and bad values in an envelope that is good but for them.
	for _, v := range []string{
		"01", "1.", "-", "1e", "1e+", ".5", "-0", "0.0e-0", "1E9", "tru", "nul", "truefalse", "NaN", `"`, `"\x"`, `"\u12"`, `"\u12g4"`,
		"\"\x1f\"", "\"\x7f\"", "\"12345678\n\"", `{"a" "b"}`, `{,}`, `{"a":1,}`, `{"a":}`, `{1:2}`, `[1,]`, `[,1]`, `[1 2]`, "[}", "{]", "\x00", "", "\v1",
	} {
		f.Add([]byte(`{"messageType":"DATA_MESSAGE","x":` + v + `,"logEvents":[{"id":"1","message":"m"}]}{}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, wantFailures := oracle(body)
		got, failures := scanned(body)
		if failures != wantFailures {
			t.Errorf("%q: %d failures, encoding/json has %d", body, failures, wantFailures)
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Errorf("%q (-encoding/json +scanner):\n%s", body, diff)
		}
	})
}

// Two bytes at every place of a word, against a look at each byte.
func TestPlainRun(t *testing.T) {
	slow := func(text []byte) (n int) {
		for n < len(text) && text[n] >= ' ' && text[n] <= '~'+1 && text[n] != '"' && text[n] != '\\' {
			n++
		}
		return n
	}
	for a := range 256 {
		for b := range 256 {
			for at := range 10 {
				text := []byte("0123456789abcde")
				text[at], text[at+1] = byte(a), byte(b)
				if got, want := plainRun(text), slow(text); got != want {
					t.Fatalf("%q: %d, want %d", text, got, want)
				}
			}
		}
	}
}
