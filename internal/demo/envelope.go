package demo

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"time"
)

// Envelope is one message as a CloudWatch Logs subscription puts it into a stream.
type Envelope struct {
	// Key is the partition key.
	Key string
	// Data is the gzip-compressed JSON. It belongs to the caller.
	Data []byte
	// Records is how many flow log records it holds, those without traffic
	// included; 0 for a control message.
	Records int
}

// The JSON of a subscription:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
type (
	message struct {
		MessageType         string   `json:"messageType"`
		Owner               string   `json:"owner"`
		LogGroup            string   `json:"logGroup"`
		LogStream           string   `json:"logStream"`
		SubscriptionFilters []string `json:"subscriptionFilters"`
		LogEvents           []event  `json:"logEvents"`
	}
	event struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"` // Unix milliseconds
		Message   string `json:"message"`
	}
)

// emit adds a log event to the interface's next envelope. CloudWatch stamps
// the events of flow logs with the start of the window.
func (v *VPC) emit(at *iface, start int64, text string) {
	if len(at.events) == 0 {
		v.open = append(v.open, at)
	}
	v.sequence++
	v.written++
	at.events = append(at.events, event{v.eventID(start * 1000), start * 1000, text})
}

// eventID returns an id of 56 digits. As with CloudWatch, ids begin with the
// time: the leading digits are those of the milliseconds times 2^144.
func (v *VPC) eventID(ms int64) string {
	return fmt.Sprintf("%014d%020d%022d", int64(float64(ms)*22.300745198530623), v.seed, v.sequence)
}

// flush moves the events of the interface into an envelope.
func (v *VPC) flush(f *iface) Envelope {
	stream := f.id + "-all"
	e := Envelope{Key: stream, Records: len(f.events)}
	e.Data = v.packer.pack(&message{
		"DATA_MESSAGE", Account, "/demo/vpc-flow-logs", stream, []string{"flowlog-exporter"}, f.events,
	})
	f.events = f.events[:0]
	return e
}

// control returns the probe by which CloudWatch checks a new destination.
func (v *VPC) control(now time.Time) Envelope {
	v.truth.control++
	probe := event{"", now.UnixMilli(), "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}
	return Envelope{Key: "CloudwatchLogs", Data: v.packer.pack(&message{
		"CONTROL_MESSAGE", "CloudwatchLogs", "", "", []string{}, []event{probe},
	})}
}

// packer compresses messages and reuses its buffers.
type packer struct {
	zip *gzip.Writer
	out bytes.Buffer
}

// pack returns the message as gzip-compressed JSON. Nothing in it can fail:
// plain strings and numbers are always JSON, and a buffer takes every write.
func (p *packer) pack(m *message) []byte {
	if p.zip == nil {
		p.zip, _ = gzip.NewWriterLevel(&p.out, gzip.BestSpeed)
	}
	p.out.Reset()
	p.zip.Reset(&p.out)
	text, _ := json.Marshal(m)
	_, _ = p.zip.Write(text)
	_ = p.zip.Close()
	return bytes.Clone(p.out.Bytes())
}
