package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRequest is above the 10 MiB that a call of Kinesis may have, in base64.
const maxRequest = 16 << 20

// problem is an error as Kinesis words it on the wire.
type problem struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (p *problem) Error() string { return p.Type + ": " + p.Message }

func invalid(format string, args ...any) error {
	return &problem{"InvalidArgumentException", fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &problem{"ResourceNotFoundException", fmt.Sprintf(format, args...)}
}

// ServeHTTP answers one call in the protocol awsJson1.1: the operation is in
// the header X-Amz-Target, arguments and results are JSON bodies.
func (k *Kinesis) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.once.Do(k.start)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Date", k.Now().UTC().Format(http.TimeFormat))
	status := http.StatusOK
	out, err := k.answer(r)
	if err != nil {
		status, out = http.StatusBadRequest, err
	}
	body, ok := out.(body)
	if !ok {
		body = bytes.NewReader(encode(out))
	}
	w.Header().Set("Content-Length", strconv.Itoa(body.Len())) // as Kinesis does
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // a client that went away needs no answer
}

// body is an answer on its way.
type body interface {
	io.WriterTo
	Len() int
}

// encode writes what is made of strings, numbers and bytes, which cannot fail.
func encode(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}

func (k *Kinesis) answer(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, &problem{"SerializationException", err.Error()}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trim()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation {
	case "ListShards":
		return call(body, k.listShards)
	case "GetShardIterator":
		return call(body, k.getShardIterator)
	case "GetRecords":
		return call(body, k.getRecords)
	case "DescribeStreamSummary":
		return call(body, k.describe)
	case "ListStreams":
		return call(body, k.listStreams)
	case "PutRecord":
		return call(body, k.putRecord)
	case "PutRecords":
		return call(body, k.putRecords)
	}
	return nil, &problem{"UnknownOperationException", operation}
}

func call[In any](body []byte, do func(In) (any, error)) (any, error) {
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &problem{"SerializationException", err.Error()}
	}
	return do(in)
}

// target is how every call names the stream.
type target struct{ StreamName, StreamARN string }

func (k *Kinesis) arn() string {
	return "arn:aws:kinesis:" + k.Region + ":" + k.Account + ":stream/" + k.Stream
}

func (k *Kinesis) check(t target) error {
	if t.StreamName == k.Stream || t.StreamARN == k.arn() {
		return nil
	}
	if _, name, ok := strings.Cut(t.StreamARN, "/"); ok {
		t.StreamName = name
	}
	if t.StreamName == "" {
		return invalid("Either StreamARN or StreamName must be present.")
	}
	return missing("Stream %s under account %s not found.", t.StreamName, k.Account)
}

// pack and unpack make the opaque tokens: iterators and page tokens.
func pack(v any) string {
	return base64.StdEncoding.EncodeToString(encode(v))
}

func unpack(token string, v any) bool {
	text, err := base64.StdEncoding.DecodeString(token)
	return err == nil && json.Unmarshal(text, v) == nil
}

// seconds is a time as awsJson1.1 has it: Unix seconds with milliseconds.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (k *Kinesis) describe(in target) (any, error) {
	if err := k.check(in); err != nil {
		return nil, err
	}
	open := 0
	for _, s := range k.shards {
		if s.end == 0 {
			open++
		}
	}
	return map[string]any{"StreamDescriptionSummary": map[string]any{
		"StreamName": k.Stream, "StreamARN": k.arn(), "StreamStatus": "ACTIVE",
		"OpenShardCount": open, "RetentionPeriodHours": int(k.Retention / time.Hour), "ConsumerCount": 0,
		"StreamCreationTimestamp": seconds(k.born), "EnhancedMonitoring": []any{},
		"StreamModeDetails": map[string]string{"StreamMode": "PROVISIONED"},
	}}, nil
}

func (k *Kinesis) listStreams(struct{}) (any, error) {
	return map[string]any{"StreamNames": []string{k.Stream}, "HasMoreStreams": false}, nil
}

type entry struct {
	Data            []byte
	PartitionKey    string
	ExplicitHashKey string
}

func (k *Kinesis) store(e entry) map[string]string {
	at := hash(e.PartitionKey)
	if n, ok := new(big.Int).SetString(e.ExplicitHashKey, 10); ok && n.Sign() >= 0 && n.Cmp(hashes) < 0 {
		at = n
	}
	s := k.owner(at)
	r := k.add(s, e.PartitionKey, e.Data)
	return map[string]string{"ShardId": s.id, "SequenceNumber": sequenceText(r.sequence)}
}

func (k *Kinesis) putRecord(in struct {
	target
	entry
}) (any, error) {
	if err := k.check(in.target); err != nil {
		return nil, err
	}
	return k.store(in.entry), nil
}

func (k *Kinesis) putRecords(in struct {
	target
	Records []entry
}) (any, error) {
	if err := k.check(in.target); err != nil {
		return nil, err
	}
	list := []any{}
	for _, e := range in.Records {
		list = append(list, k.store(e))
	}
	return map[string]any{"FailedRecordCount": 0, "Records": list}, nil
}
