package flowlog

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// sniffed is how many bytes decide whether a message is text.
const sniffed = 512

// record reads a data record: one message, or those that the Kinesis Producer
// Library put into it.
func (r *Reader) record(data []byte) error {
	messages, ok := aggregate(data)
	if !ok {
		return r.message(data)
	}
	if !wellFormed(messages) {
		r.fail(flow.Content, data)
		return nil
	}
	for message := range aggregated(messages) {
		if err := r.message(message); err != nil {
			return err
		}
	}
	return nil
}

// batch reads messages, each as if it came alone.
func (r *Reader) batch(messages [][]byte) error {
	for _, data := range messages {
		if err := r.record(data); err != nil {
			return err
		}
	}
	return nil
}

// message reads one message whole.
func (r *Reader) message(data []byte) error {
	plain, err := r.open(data)
	if plain == nil || err != nil {
		return err
	}
	switch contentOf(plain) {
	case contentDocuments:
		_, _, err = r.documents(plain, false)
	case contentText:
		r.beginText()
		err = r.lines(plain)
	case contentParquet, contentForeign:
		r.fail(flow.Content, plain)
	}
	return err
}

// open returns what a message holds, nil when it can't be decoded, which it counts.
// Records of the message before wait in the block for those of this one when that
// is plain, as the lines of a delivery are; else they leave before the buffers
// behind them are used again.
func (r *Reader) open(data []byte) (plain []byte, err error) {
	if len(r.block.Records) > 0 {
		if plain, ok := r.inflate.behind(data); ok {
			return plain, nil
		}
	}
	if err := r.flush(); err != nil {
		return nil, err
	}
	plain, err = r.inflate.whole(data, r.max)
	if err != nil {
		r.fail(decodeStage(err), data)
		return nil, nil
	}
	return plain, nil
}

// content is what a message holds.
type content uint8

const (
	contentNone content = iota
	contentDocuments
	contentText
	contentParquet
	contentForeign
)

// contentOf decides by the first bytes: a brace begins JSON, PAR1 Parquet, and
// text is UTF-8 without control characters other than tabs and line ends.
func contentOf(data []byte) content {
	head := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(head) == 0:
		return contentNone
	case hasPrefix(data, parquetMagic):
		return contentParquet
	case head[0] == '{':
		return contentDocuments
	}
	for head = head[:min(len(head), sniffed)]; len(head) > 0; {
		c, size := utf8.DecodeRune(head)
		if c == utf8.RuneError && size == 1 && utf8.FullRune(head) {
			return contentForeign
		}
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f {
			return contentForeign
		}
		head = head[size:]
	}
	return contentText
}

// decodeStage says which failure an error of the inflater is.
func decodeStage(err error) flow.Stage {
	if errors.Is(err, errLimit) {
		return flow.Limit
	}
	return flow.Decompress
}

// fail counts something that cannot be decoded and tells what it begins with.
func (r *Reader) fail(stage flow.Stage, data []byte) {
	r.block.Failures[stage]++
	if !r.notices.due(topicMessage) {
		return
	}
	r.logger.Warn("a message cannot be decoded: "+guess(stage, data), append([]any{"stage", stage.String()}, Sample(data)...)...)
}

// beginnings are things that have been put into streams instead of flow logs.
var beginnings = []struct{ prefix, guess string }{
	{kplMagic, "it looks like a KPL record with a wrong checksum"},
	{gzipMagic, "it looks like damaged or nested gzip"},
	{zstdMagic, "it looks like damaged or nested zstd"},
	{base64Gzip, "it looks like damaged base64 of gzip"},
	{base64JSON, "it looks like damaged base64 of JSON"},
	{parquetMagic, "it looks like Parquet"},
	{"Obj\x01", "it looks like Avro"},
	{"PK\x03\x04", "it looks like a zip archive"},
	{"BZh", "it looks like bzip2"},
	{"\xfd7zXZ", "it looks like xz"},
	{"\x04\x22\x4d\x18", "it looks like LZ4"},
	{"\xff\xfe", "it looks like UTF-16 text"},
	{"\xfe\xff", "it looks like UTF-16 text"},
	{`{"message"`, "it looks like a Firehose record of something else than a line of a flow log, or a damaged one"},
	{`{"requestId"`, "it looks like a Firehose request; have Firehose send those to --firehose.listen"},
	{`{"records"`, "it looks like a Firehose request; have Firehose send those to --firehose.listen"},
	{`{"Records"`, "it looks like an S3 or SNS notification, not what it notifies of"},
	{`{"version"`, "it looks like an EventBridge event or a transformed log; envelopes of a CloudWatch Logs subscription are expected"},
	{"{", "it looks like JSON that is no envelope of a CloudWatch Logs subscription, or a damaged one"},
}

// guess says what a message may be.
func guess(stage flow.Stage, data []byte) string {
	if stage == flow.Limit {
		return "decompressed it is larger than the limit, or than 200 times its size"
	}
	for _, b := range beginnings {
		if hasPrefix(data, b.prefix) {
			return b.guess
		}
	}
	return "it is neither text, JSON, gzip nor zstd"
}
