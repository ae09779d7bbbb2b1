package source

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// cannedAnswer is an answer of messages as CloudWatch Logs makes them: 4,330
// bytes of gzip, which hold about 222 flow records.
func cannedAnswer(messages int) (body []byte, size int) {
	rng := rand.New(rand.NewPCG(1, 3))
	b := bytes.NewBufferString(`{"MillisBehindLatest":7,"NextShardIterator":"` + strings.Repeat("A", 228) + `","Records":[`)
	data := make([]byte, 4330)
	for i := range messages {
		for j := range data {
			data[j] = byte(rng.Uint32())
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `{"ApproximateArrivalTimestamp":1.715531%06dE9,"Data":"%s","PartitionKey":"5cf1fb3b0a1d4b58","SequenceNumber":"4965987261460143287930%034d"}`,
			i, base64.StdEncoding.EncodeToString(data), i)
	}
	b.WriteString("]}")
	return b.Bytes(), messages * len(data)
}

// readerOf is a stream before a server that gives one answer again and again.
func readerOf(tb testing.TB, body []byte) *stream {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	tb.Cleanup(server.Close)
	client := kinesis.New(kinesis.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	return &stream{Kinesis: &Kinesis{Stream: "demo"}, client: client, room: newRoom(MinBuffered), meter: NewMetrics(nil).kinesisMeter("test")}
}

// BenchmarkGetRecords is reading one answer over a local connection, server and
// client together: with the decoder of the SDK, and with ours.
func BenchmarkGetRecords(b *testing.B) {
	body, size := cannedAnswer(2000)
	b.Run("decoder=sdk", func(b *testing.B) {
		s := readerOf(b, body)
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			out, err := s.client.GetRecords(b.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("x")})
			if err != nil || len(out.Records) != 2000 {
				b.Fatal(err)
			}
		}
	})
	b.Run("decoder=own", func(b *testing.B) {
		s, expected := readerOf(b, body), 0
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			page, err := s.page(b.Context(), "x", expected)
			if err != nil || len(page.records) != 2000 {
				b.Fatal(err)
			}
			expected = page.size
			page.release()
		}
	})
}

// BenchmarkAnswer is decoding alone, without network and protocol. The copy
// that brings the answer back before each round is part of it.
func BenchmarkAnswer(b *testing.B) {
	body, size := cannedAnswer(256)
	b.Run("decoder=sdk", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			if err := protocol.DeserializeResponse(b.Context(), getSchema, nil, respondBytes(body), new(kinesis.GetRecordsOutput)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decoder=own", func(b *testing.B) {
		r := newRoom(MinBuffered)
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			a := &answer{room: r}
			if err := (sparing{protocol, a}).DeserializeResponse(b.Context(), getSchema, nil, respondBytes(body), new(kinesis.GetRecordsOutput)); err != nil {
				b.Fatal(err)
			}
			a.release()
		}
	})
}

// Decoding allocates nothing for a record.
func TestAnswerAllocatesNothingPerRecord(t *testing.T) {
	allocations := func(messages int) float64 {
		body, _ := cannedAnswer(messages)
		r := newRoom(MinBuffered)
		return testing.AllocsPerRun(5, func() {
			a := &answer{room: r}
			if err := (sparing{protocol, a}).DeserializeResponse(t.Context(), getSchema, nil, respondBytes(body), new(kinesis.GetRecordsOutput)); err != nil {
				t.Error(err)
			}
			a.release()
		})
	}
	if few, many := allocations(2), allocations(500); many > few+20 {
		t.Errorf("%v allocations for 2 records, %v for 500", few, many)
	}
}
