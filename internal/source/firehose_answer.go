package source

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const requestIDHeader = "X-Amz-Firehose-Request-Id"

// answerTimeout is how long an answer may take to leave.
const answerTimeout = 30 * time.Second

// refusal is an answer other than 200. Firehose tries again after each but 413,
// after which the delivery is lost to it.
type refusal struct {
	status int
	reason string
}

func wrong(reason string) *refusal { return &refusal{http.StatusBadRequest, reason} }

func busy(reason string) *refusal { return &refusal{http.StatusServiceUnavailable, reason} }

// refusalOf says what an error of reading a body is.
func refusalOf(err error) *refusal {
	switch {
	case errors.Is(err, errBodyTooLarge):
		return &refusal{http.StatusRequestEntityTooLarge, err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{http.StatusRequestTimeout, "the body took too long to come"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return wrong("the body ends before its end")
	}
	return wrong(err.Error())
}

// refuse answers, and tells the log of each kind of answer from time to time.
func (f *Firehose) refuse(a *firehoseAnswer, why *refusal) {
	if why.status != http.StatusServiceUnavailable { // else nobody did anything wrong
		f.said.warn(strconv.Itoa(why.status), "a delivery of Firehose is refused", "status", why.status, "reason", why.reason)
	}
	a.send(why.status, why.reason)
}

// firehoseAnswer answers a request.
type firehoseAnswer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	id      string
	meter   *firehoseMeter
}

// send answers in the form that Firehose wants.
func (a *firehoseAnswer) send(status int, reason string) {
	// What is not text by then has no meaning for Firehose either.
	body, _ := json.Marshal(struct {
		RequestID string `json:"requestId"`
		Timestamp int64  `json:"timestamp"`
		Error     string `json:"errorMessage,omitempty"`
	}{a.id, time.Now().UnixMilli(), reason})
	header := a.w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "1")
	}
	a.meter.answered(status)
	_ = a.control.SetWriteDeadline(time.Now().Add(answerTimeout)) // without it the server's own holds
	a.w.WriteHeader(status)
	_, _ = a.w.Write(body) // who does not hear it comes again
}

// patient returns the body of a request, which may take its time as long as some
// of it comes. release ends the watch over it.
func (f *Firehose) patient(a *firehoseAnswer, r *http.Request) (body io.Reader, release func()) {
	p := &patientBody{body: r.Body, control: a.control, end: time.Now().Add(FirehoseReadTimeout)}
	ended := make(chan struct{})
	go func() {
		select {
		case <-f.drop:
			p.hurry()
		case <-ended:
		}
	}()
	return p, func() { close(ended) }
}

// patientBody is the body of a request with a deadline that moves on with it.
// Once it is whole there is none: the server would take its passing for the end of
// the connection.
type patientBody struct {
	body    io.Reader
	control *http.ResponseController
	end     time.Time

	mu      sync.Mutex
	whole   bool
	dropped bool
}

// Read implements io.Reader.
func (p *patientBody) Read(b []byte) (n int, err error) {
	if !p.await() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err = p.body.Read(b)
	if err == io.EOF {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.whole = true
		_ = p.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// await sets the deadline of the next read; false when there shall be none.
func (p *patientBody) await() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	deadline := time.Now().Add(firehoseStall)
	if p.end.Before(deadline) {
		deadline = p.end
	}
	_ = p.control.SetReadDeadline(deadline) // without it the server's own holds
	return !p.dropped
}

// hurry ends a read that waits, and all later ones.
func (p *patientBody) hurry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = true
	if !p.whole {
		_ = p.control.SetReadDeadline(time.Now())
	}
}

// discard reads what is left of a body that nobody wants.
func discard(body io.Reader) {
	_, _ = io.CopyN(io.Discard, body, MaxFirehoseBody)
}
