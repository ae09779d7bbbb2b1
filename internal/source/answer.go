package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// answer is what GetRecords said, in memory of the room. Its records are valid
// until release. It belongs to one shard.
type answer struct {
	room *room
	// size is what the answer takes of memory, entered what of it the room was
	// asked for.
	size, entered int
	buffer        *buffer

	records []record
	// next is the iterator behind the records; without one the shard has ended.
	next *string
	// behind is how far the tip is away; nil is not said.
	behind   *int64
	children []types.ChildShard
	// at is when AWS answered, by its own clock; zero is not known.
	at time.Time
}

// record is one data record. Its bytes are views into the answer.
type record struct {
	sequence []byte
	arrived  time.Time
	data     []byte
}

var (
	errNoRoom   = errors.New("no memory is left for the answer: raise --kinesis.max-buffered")
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB: something between here and Kinesis altered it", maxAnswer>>20)
	errTooMany  = errors.New("the answer has more records than Kinesis gives at once: something between here and Kinesis altered it")
	errBase64   = errors.New("the data of a record is no base64")
)

// whole reports whether the answer says anything. One that says nothing at all
// would read as the end of the shard.
func (a *answer) whole() bool {
	return a.next != nil || a.behind != nil || len(a.records)+len(a.children) > 0
}

// bytes is how long the records are, as transported.
func (a *answer) bytes() (n int) {
	for i := range a.records {
		n += len(a.records[i].data)
	}
	return n
}

// reserve waits for the room that n bytes take. It waits without any, so that
// no two wait for each other.
func (a *answer) reserve(ctx context.Context, n int) error {
	a.size = bufferSize(n)
	want := max(a.size, a.room.least)
	if a.size == smallAnswer {
		want = 0
	}
	switch {
	case want < a.entered:
		a.room.leave(a.entered - want)
	case want > a.entered:
		a.leave()
		if err := a.room.enter(ctx, want); err != nil {
			return err
		}
	}
	a.entered = want
	return nil
}

func (a *answer) leave() {
	if a.entered > 0 {
		a.room.leave(a.entered)
		a.entered = 0
	}
}

// release gives the memory to other answers.
func (a *answer) release() {
	if b := a.buffer; b != nil {
		b.records = a.records[:0]
		a.buffer, a.records = nil, nil
		a.room.restore(b)
	}
	a.leave()
}

// receive reads the body of a response. Kinesis announces its length; where
// something in between does not, it may be of any.
func (a *answer) receive(ctx context.Context, r *http.Response) ([]byte, error) {
	length := r.ContentLength + 1 // to see the end
	if length <= 0 {
		length = smallAnswer
	}
	if length > maxAnswer {
		return nil, errTooLarge
	}
	if err := a.grow(ctx, int(length)); err != nil {
		return nil, err
	}
	n, err := fill(r.Body, a.buffer.bytes, 0)
	if errors.Is(err, errTooLarge) && len(a.buffer.bytes) == smallAnswer {
		if err := a.grow(ctx, maxAnswer); err != nil {
			return nil, err
		}
		n, err = fill(r.Body, a.buffer.bytes, n)
	}
	return a.buffer.bytes[:n], err
}

// grow makes the buffer one for n bytes, and keeps what is in it.
func (a *answer) grow(ctx context.Context, n int) error {
	if err := a.reserve(ctx, n); err != nil {
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	before := a.buffer
	a.buffer = a.room.borrow(n)
	a.records = a.buffer.records
	if before != nil {
		copy(a.buffer.bytes, before.bytes)
		a.room.restore(before)
	}
	return nil
}

// fill reads to the end of r, behind the first n bytes.
func fill(r io.Reader, into []byte, n int) (int, error) {
	for n < len(into) {
		m, err := r.Read(into[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, errTooLarge
}

// sparing is the protocol of the SDK, but for the answers of GetRecords: those
// are read into memory that is used again, and decoded where they are. The SDK
// takes as long for it as inflating takes, and several times the memory.
type sparing struct {
	smithyhttp.ClientProtocol
	answer *answer
}

// DeserializeResponse implements smithyhttp.ClientProtocol.
func (p sparing) DeserializeResponse(ctx context.Context, schema *smithy.OperationSchema,
	registry *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable,
) error {
	if r.StatusCode/100 != 2 {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(r.Body, smallAnswer), r.Body}
		return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, r, out)
	}
	body, err := p.answer.receive(ctx, r.Response)
	if err == nil && !p.answer.scan(body) {
		err = p.general(ctx, schema, registry, body, out)
	} else if err == nil {
		err = p.answer.decode()
	}
	if err != nil {
		r.Body.Close() // the SDK would read on to its end
		return &smithy.DeserializationError{Err: err}
	}
	return nil
}

// general lets the SDK decode an answer that is not written as Kinesis writes,
// one at a time: that takes memory that nobody reserved.
func (p sparing) general(ctx context.Context, schema *smithy.OperationSchema,
	registry *smithy.TypeRegistry, body []byte, out smithy.Deserializable,
) (err error) {
	if bytes.Count(body, []byte{'{'}) > maxRecords {
		return errTooMany
	}
	p.answer.room.general.Lock()
	defer p.answer.room.general.Unlock()
	defer func() {
		if fault := recover(); fault != nil { // at a time that is NaN, for one
			err = fmt.Errorf("the SDK can't decode the answer: %v", fault)
		}
	}()
	again := smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}}
	if err := p.ClientProtocol.DeserializeResponse(ctx, schema, registry, &again, out); err != nil {
		return err
	}
	if out, ok := out.(*kinesis.GetRecordsOutput); ok {
		p.answer.copy(out)
	}
	return nil
}

// copy takes over what the SDK decoded. The decoded bytes are fewer than the
// answer's own.
func (a *answer) copy(out *kinesis.GetRecordsOutput) {
	memory := a.buffer.bytes[:0]
	keep := func(b []byte) []byte {
		memory = append(memory, b...)
		return memory[len(memory)-len(b):]
	}
	a.records = a.records[:0]
	for i := range out.Records {
		r := &out.Records[i]
		a.records = append(a.records, record{
			sequence: keep([]byte(aws.ToString(r.SequenceNumber))),
			arrived:  aws.ToTime(r.ApproximateArrivalTimestamp),
			data:     keep(r.Data),
		})
	}
	a.next, a.behind, a.children = out.NextShardIterator, out.MillisBehindLatest, out.ChildShards
	out.Records = nil
}
