package source

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// common are answers as they are seen: of Kinesis, of moto, of the demo.
var common = []string{
	`{"MillisBehindLatest":0,"NextShardIterator":"AAAA+/=","Records":[]}`,
	`{"Records":[{"SequenceNumber":"49659872614601432879300000000000000000000000000000000001","ApproximateArrivalTimestamp":1.715531081123E9,"Data":"aGVsbG8=","PartitionKey":"k"}],"MillisBehindLatest":12}`,
	`{"MillisBehindLatest":5000,"NextShardIterator":"next","Records":[` +
		`{"ApproximateArrivalTimestamp":1715531081.123,"Data":"H4sIAAAAAAAA/6vmAgCKx7W5AgAAAA==","EncryptionType":"NONE","PartitionKey":"a","SequenceNumber":"1"},` +
		`{"ApproximateArrivalTimestamp":1715531082,"Data":"","PartitionKey":"ключ","SequenceNumber":"2"}]}`,
	`{"NextShardIterator": "AAAA", "Records": [{"PartitionKey": "x", "Data": "YWJjZGVmZ2hpamts", "SequenceNumber": "3", "ApproximateArrivalTimestamp": 0.5}], "MillisBehindLatest": 0}` + "\n",
	`{"NextShardIterator":null,"MillisBehindLatest":9,"Records":[],"Future":true,"More":"x","Number":1.5}`,
}

// odd are answers that nobody is likely to give.
var odd = []string{
	``, ` `, `null`, `{}`, `[]`, `{`, `"`, `{"Records":null}`, `{"Records":[null]}`, `{"Records":{}}`, `{"Records":[{},{}]}`, `{"Records":[{}],}`, `{"Records":[{},]}`,
	`{"ChildShards":[{"HashKeyRange":{"EndingHashKey":"9","StartingHashKey":"0"},"ParentShards":["p","q"],"ShardId":"c"}],"MillisBehindLatest":1,"Records":[{"Data":"YWJj","SequenceNumber":"7"}]}`,
	`{"ChildShards":[],"MillisBehindLatest":1}`, `{"ChildShards":null,"MillisBehindLatest":1}`,
	`{"Records":[{"Data":"YWJj","SequenceNumber":"1"}],"Records":[{"Data":"ZGVm","SequenceNumber":"2"}],"NextShardIterator":"a","NextShardIterator":"b"}`,
	`{"Records":[{"Data":"YWJj","Data":"ZGVm","SequenceNumber":"1","SequenceNumber":null}]}`,
	`{"Records":[{"Data":"YW\/j","SequenceNumber":"\u0031"}],"NextShardIterator":"a\"b"}`,
	`{"Records":[{"\u0044ata":"YWJj"}],"Next":{"a":[1,{"b":"]}"}]},"NextShardIterator":"n"}`,
	"{\"Records\":[{\"Data\":\"YWJj\n\"}]}", "{\"Records\":[{\"Data\":\"YWJj\\n\"}]}", "{\"Records\":[{\"Data\":\"YWJjYWJjYWJj\nYWJjYWJjYWJj\"}]}",
	"{\"Records\":[{\"SequenceNumber\":\"1\n\"}]}", "{\"Records\":[{\"PartitionKey\":\"\xff\",\"Data\":\"\xff\"}]}", "{\"Records\":[{\"PartitionKey\":\"\xff\"}]}",
	`{"Records":[{"Data":"YQ"}]}`, `{"Records":[{"Data":"YQ=="}]}`, `{"Records":[{"Data":"YQ==YWJj"}]}`, `{"Records":[{"Data":"YQ==YWJjYWJjYWJjYWJj"}]}`, `{"Records":[{"Data":"YR=="}]}`,
	`{"Records":[{"Data":"Y Jj"}]}`, `{"Records":[{"Data":"YWJj-_=="}]}`, `{"Records":[{"Data":5}]}`, `{"Records":[{"Data":true,"SequenceNumber":1}]}`,
	`{"MillisBehindLatest":-5}`, `{"MillisBehindLatest":1.5}`, `{"MillisBehindLatest":1e3}`, `{"MillisBehindLatest":01}`, `{"MillisBehindLatest":9223372036854775808}`, `{"MillisBehindLatest":"1"}`,
	`{"MillisBehindLatest":1}x`, `{"MillisBehindLatest":1}{}`, `{"MillisBehindLatest":1 2}`, `{"MillisBehindLatest":}`, `{"MillisBehindLatest":nullx}`, `{"X":nul}`, `{"X":truex}`, `{"X":-}`, `{"X":1.}`, `{"X":.1}`,
	`{"Records":[{"ApproximateArrivalTimestamp":1.7155310811239999E9}]}`, `{"Records":[{"ApproximateArrivalTimestamp":1515531081.123}]}`, `{"Records":[{"ApproximateArrivalTimestamp":9999999999999}]}`,
	`{"Records":[{"ApproximateArrivalTimestamp":"NaN"}]}`, `{"Records":[{"ApproximateArrivalTimestamp":-1}]}`, `{"Records":[{"ApproximateArrivalTimestamp":"2024-05-12T00:00:00Z"}]}`, `{"Records":[{"ApproximateArrivalTimestamp":00.5}]}`,
}

var (
	protocol  = awsjson.New11(schemas.Kinesis_20131202)
	getSchema = smithy.NewOperationSchema(schemas.GetRecords, schemas.GetRecordsInput, schemas.GetRecordsOutput)
)

// said is an answer in a form that can be compared.
type said struct {
	Records  []saidRecord
	Next     *string
	Behind   *int64
	Children any
}

type saidRecord struct {
	Sequence, Data string
	Arrived        time.Time
}

func respond(body string, length int64) *smithyhttp.Response {
	return &smithyhttp.Response{Response: &http.Response{StatusCode: 200, ContentLength: length, Body: io.NopCloser(strings.NewReader(body))}}
}

func respondBytes(body []byte) *smithyhttp.Response {
	return &smithyhttp.Response{Response: &http.Response{StatusCode: 200, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body))}}
}

// ofSDK is what the SDK makes of an answer.
func ofSDK(t testing.TB, body string) (s said, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()
	var out kinesis.GetRecordsOutput
	if err := protocol.DeserializeResponse(t.Context(), getSchema, nil, respond(body, -1), &out); err != nil {
		return said{}, err
	}
	s = said{Next: out.NextShardIterator, Behind: out.MillisBehindLatest, Children: out.ChildShards}
	for _, r := range out.Records {
		s.Records = append(s.Records, saidRecord{aws.ToString(r.SequenceNumber), string(r.Data), aws.ToTime(r.ApproximateArrivalTimestamp)})
	}
	return s, nil
}

// ofOurs is what we make of it.
func ofOurs(t testing.TB, r *room, body string, length int64) (said, error) {
	a := &answer{room: r}
	defer a.release()
	err := sparing{protocol, a}.DeserializeResponse(t.Context(), getSchema, nil, respond(body, length), &kinesis.GetRecordsOutput{})
	if err != nil {
		return said{}, err
	}
	s := said{Next: a.next, Behind: a.behind, Children: a.children}
	for _, r := range a.records {
		s.Records = append(s.Records, saidRecord{string(r.sequence), string(r.data), r.arrived})
	}
	return s, nil
}

// agree fails the test when the SDK and we make different things of an answer.
func agree(t testing.TB, r *room, body string) (ok bool) {
	want, wantErr := ofSDK(t, body)
	for _, length := range []int64{int64(len(body)), -1} {
		got, err := ofOurs(t, r, body, length)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%q: error %v, of the SDK %v", body, err, wantErr)
		} else if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n%+v, the SDK says\n%+v", body, got, want)
		}
	}
	return wantErr == nil
}

func newRoom(size int) *room {
	m := NewMetrics(nil).kinesisMeter("test")
	return &room{free: size, held: m.buffered, waited: m.waited}
}

func TestAnswerAgreesWithSDK(t *testing.T) {
	r := newRoom(MinBuffered)
	for _, body := range slices.Concat(common, odd) {
		agree(t, r, body)
	}
}

// The usual answers are read without the SDK.
func TestAnswerScansWhatIsCommon(t *testing.T) {
	for _, body := range common {
		if a := new(answer); !a.scan([]byte(body)) {
			t.Errorf("%s is left to the SDK", body)
		}
	}
}

// TestAnswerDamaged has the SDK and us agree on answers with bytes changed,
// put in and taken out.
func TestAnswerDamaged(t *testing.T) {
	r, rng, good := newRoom(MinBuffered), rand.New(rand.NewPCG(1, 1)), 0
	const letters = "\"\\{}[],:0123456789.eE+-/=ntfalsu\n \x00\xffAz"
	const rounds = 20000
	for range rounds {
		body := []byte(common[rng.IntN(len(common))])
		for range 1 + rng.IntN(3) {
			at, with := rng.IntN(len(body)), letters[rng.IntN(len(letters))]
			switch rng.IntN(3) {
			case 0:
				body[at] = with
			case 1:
				body = slices.Insert(body, at, with)
			default:
				body = slices.Delete(body, at, min(at+1+rng.IntN(4), len(body)))
			}
		}
		if agree(t, r, string(body)) {
			good++
		}
		if t.Failed() {
			return
		}
	}
	if good < rounds/10 || good > rounds*9/10 {
		t.Errorf("%d of %d answers are good: the test shows little", good, rounds)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, body := range slices.Concat(common, odd) {
		f.Add(body)
	}
	r := newRoom(MinBuffered)
	f.Fuzz(func(t *testing.T, body string) { agree(t, r, body) })
}

func TestDecodeBase64InPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		text := []byte(base64.StdEncoding.EncodeToString(data))
		broken := bytes.Clone(text)
		if got, ok := decodeBase64(text); !ok || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %x, %v", n, got, ok)
		}
		if n == 0 {
			continue
		}
		broken[rng.IntN(len(broken))] = "\n*-\x00\x80"[rng.IntN(5)]
		if got, ok := decodeBase64(broken); ok {
			t.Errorf("%d bytes, one letter broken: %x", n, got)
		}
	}
}

// Of every byte at every place, just the letters pass, and the padding where it
// may stand; bytes behind the text stay.
func TestDecodeBase64LooksAtEachByte(t *testing.T) {
	const letters, behind = "AbyZ019+/xQmAbyZ019+/xQmAbyZ019+/xQmAbyZ019+/xQmAbyZ019+/xQmAbyZ", "behind"
	try := func(text string) {
		want, err := base64.StdEncoding.DecodeString(text)
		if strings.ContainsAny(text, "\r\n") { // which encoding/base64 passes over
			err = errBase64
		}
		memory := []byte(text + behind)
		got, ok := decodeBase64(memory[:len(text)])
		if ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Fatalf("%q: %x, %v, want %x, %v", text, got, ok, want, err)
		}
		if string(memory[len(text):]) != behind {
			t.Fatalf("%q: behind it stands %q", text, memory[len(text):])
		}
	}
	for _, n := range []int{16, 20, 32, 52, 64} {
		for at := range n {
			for c := range 256 {
				try(letters[:at] + string([]byte{byte(c)}) + letters[at+1:n])
				try(letters[:at] + string([]byte{byte(c)}) + letters[at:n])
			}
			try(letters[:at] + "==" + letters[at:n])
			try(letters[:at] + "\r\n" + letters[at:n])
		}
	}
}

// Answers of any length arrive whole, announced or not, and in small pieces.
func TestAnswerOfAnyLength(t *testing.T) {
	r := newRoom(MinBuffered)
	for _, n := range []int{0, 1, smallAnswer - 1, smallAnswer, smallAnswer + 1, 1 << 20, maxAnswer - 1, maxAnswer + 1} {
		body := bytes.Repeat([]byte("x"), n)
		for _, length := range []int64{int64(n), -1} {
			a := &answer{room: r}
			got, err := a.receive(t.Context(), &http.Response{ContentLength: length, Body: io.NopCloser(iotest.DataErrReader(bytes.NewReader(body)))})
			switch {
			case n > maxAnswer && !errors.Is(err, errTooLarge):
				t.Errorf("%d bytes, announced %d: %v", n, length, err)
			case n > maxAnswer && length > 0 && a.entered > 0:
				t.Errorf("an announced %d bytes are made room for, all the same refused", n)
			case n < maxAnswer && (err != nil || !bytes.Equal(got, body)):
				t.Errorf("%d bytes, announced %d: got %d, %v", n, length, len(got), err)
			}
			if want := bufferSize(n + 1); length > 0 && n < maxAnswer && a.size != want {
				t.Errorf("%d bytes take %d of memory, want %d", n, a.size, want)
			}
			a.release()
			if r.free != MinBuffered {
				t.Fatalf("%d bytes, announced %d: %d are not given back", n, length, MinBuffered-r.free)
			}
		}
	}
}

// An answer that is shorter than announced is broken, whatever it says up to there.
func TestAnswerCutOff(t *testing.T) {
	a := &answer{room: newRoom(MinBuffered)}
	r := respond("", 1000)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(common[0]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	err := sparing{protocol, a}.DeserializeResponse(t.Context(), getSchema, nil, r, &kinesis.GetRecordsOutput{})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want that of the network", err)
	}
}

// No answer makes more records than memory was thought of.
func TestAnswerWithTooManyRecords(t *testing.T) {
	for name, end := range map[string]string{"scanned": "]}", "by the SDK": `],"NextShardIterator":"\u0041"}`} {
		body := `{"Records":[{}` + strings.Repeat(",{}", maxRecords) + end
		if _, err := ofOurs(t, newRoom(MinBuffered), body, int64(len(body))); !errors.Is(err, errTooMany) {
			t.Errorf("%s: error %v, want %v", name, err, errTooMany)
		}
	}
}
