//go:build durability

package durability

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// firehoseBody is the most that the body of a delivery may have.
const firehoseBody = 64 * mebibyte

// forFirehose is how much more memory docs/limits.md promises where deliveries are
// taken.
func forFirehose(t *testing.T) int {
	t.Helper()
	page, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	more := regexp.MustCompile("With `--firehose.listen` (\\d+) MiB more").FindSubmatch(page)
	if more == nil {
		t.Fatal("docs/limits.md does not say what deliveries take")
	}
	n, err := strconv.Atoi(string(more[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n * mebibyte
}

// load is the body of a delivery as large as it may be, but for its id, which
// stands before it, as it is and compressed.
type load struct {
	text, zip []byte
	lines     int
}

// load has lines as VPC delivers them, many in a record, for a delivery may have
// 10,000 records.
func (w *world) load() (l load) {
	const each = 500
	var text bytes.Buffer
	text.WriteString(`"records":[`)
	for {
		var record bytes.Buffer
		for line := range strings.Lines(string(w.lines(l.lines, each))) {
			fmt.Fprintf(&record, "{\"message\":%q}\n", strings.TrimSuffix(line, "\n"))
		}
		data := fmt.Sprintf(`{"data":%q},`, base64.StdEncoding.EncodeToString(record.Bytes()))
		if text.Len()+len(data) > firehoseBody-1024 {
			break
		}
		text.WriteString(data)
		l.lines += each
	}
	text.Truncate(text.Len() - 1)
	text.WriteString("]}")
	l.text, l.zip = text.Bytes(), zipped(w.t, text.Bytes())
	return l
}

// deliveries are the three kinds that a sender sends, by what the answer must be.
func (l *load) deliveries(t *testing.T, sender int) (all []*large) {
	for _, kind := range []string{"plain", "gzip", "too large"} {
		id := fmt.Sprintf("%s %d", kind, sender)
		head := fmt.Appendf(nil, `{"requestId":%q,`, id)
		switch kind {
		case "plain":
			all = append(all, &large{id, "", [][]byte{head, l.text}, http.StatusOK})
		case "gzip":
			all = append(all, &large{id, "gzip", [][]byte{zipped(t, head), l.zip}, http.StatusOK})
		case "too large":
			all = append(all, &large{id, "gzip", [][]byte{zipped(t, head), l.zip, l.zip}, http.StatusRequestEntityTooLarge})
		}
	}
	return all
}

// large is a delivery, and the status that is its answer.
type large struct {
	id, encoding string
	parts        [][]byte // of the body
	status       int
}

// body is of unknown length to who sends it.
func (d *large) body() io.ReadCloser {
	var parts []io.Reader
	for _, p := range d.parts {
		parts = append(parts, bytes.NewReader(p))
	}
	return io.NopCloser(io.MultiReader(parts...))
}

// deliver sends a request until its answer is not that it has to come again.
func (d *large) deliver(url string) (status int, err error) {
	for begun := time.Now(); time.Since(begun) < 2*patience; time.Sleep(20 * time.Millisecond) { // Firehose waits for a second
		r, err := http.NewRequest(http.MethodPost, url, d.body())
		if err != nil {
			return 0, err
		}
		r.Header.Set("X-Amz-Firehose-Protocol-Version", "1.0")
		r.Header.Set("X-Amz-Firehose-Request-Id", d.id)
		r.Header.Set("Content-Encoding", d.encoding)
		r.Header.Set("Expect", "100-continue") // who is refused sends no body
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			continue // refused while it was sending
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusServiceUnavailable {
			return answer.StatusCode, nil
		}
	}
	return 0, errNotYet
}

// TestFault56FirehoseOverload: more senders than deliveries may be in hand, whose
// bodies are as large as they may be, compressed and not, and larger.
func TestFault56FirehoseOverload(t *testing.T) {
	const senders = 6
	w := newWorld(t, 56, 2)
	cmd := w.confined(w.command("--firehose.listen", "127.0.0.1:0", "--firehose.insecure-no-key"))
	w.ceiling += forFirehose(t)
	cmd.Env = append(cmd.Env, fmt.Sprintf("GOMEMLIMIT=%d", w.ceiling/5*4))
	p := launch(t, cmd)
	url := p.url()
	to := "http://" + p.await(`msg="Listening on" input=firehose address=(\S+)`)
	w.put(1000)
	w.settled(p, url)
	l := w.load()
	end := w.overload(p, url, fmt.Sprintf("%d senders of %d MiB to Firehose's address", senders, firehoseBody/mebibyte))
	var sending sync.WaitGroup
	for i := range senders {
		all := l.deliveries(t, i)
		sending.Go(func() {
			for _, d := range all {
				if status, err := d.deliver(to); status != d.status || err != nil {
					t.Errorf("%s: %d %v, want %d", d.id, status, err, d.status)
				}
			}
		})
	}
	sending.Wait()
	n := 2 * senders * l.lines
	w.received(n)
	for _, series := range []string{recordsSeries, `flowlog_records_counted_total{source="kinesis"}`} {
		w.expect(series, -n) // it was another source
		w.expect(strings.Replace(series, "kinesis", "firehose", 1), n)
	}
	w.expect(`flowlog_source_deliveries_total{code="200",source="firehose"}`, 2*senders)
	w.settled(p, url)
	end()
	t.Logf("%d deliveries of %d lines in %d MiB counted, %d larger ones refused", 2*senders, l.lines, len(l.text)/mebibyte, senders)
	p.stop()
}
