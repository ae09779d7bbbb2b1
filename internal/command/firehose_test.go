package command

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sendDelivery sends lines as VPC and Firehose do, and returns the status of the
// answer, 0 when there is none.
func sendDelivery(url, key, id string, lines ...string) int {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"requestId":%q,"timestamp":%d,"records":[`, id, time.Now().UnixMilli())
	for i, line := range lines {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"data":%q}`, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "{\"message\":%q}\n", line)))
	}
	b.WriteString("]}")
	r, err := http.NewRequest(http.MethodPost, url+"/any/path", &b)
	if err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Amz-Firehose-Protocol-Version": "1.0", "X-Amz-Firehose-Request-Id": id,
		"X-Amz-Firehose-Access-Key": key, "X-Amz-Firehose-Source-Arn": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs",
		"X-Amz-Firehose-Common-Attributes": `{"commonAttributes":{"pad":"` + strings.Repeat("x", 32<<10) + `"}}`,
	} {
		r.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), fmt.Sprintf(`"requestId":%q`, id)) {
		return 0
	}
	return answer.StatusCode
}

// TestFirehoseKeysAreRotated: a key that is taken out of the file is refused soon,
// and one that came in is not, while the exporter goes on.
func TestFirehoseKeysAreRotated(t *testing.T) {
	const line = "2 123456789012 eni-1235b8ca123456789 10.0.0.5 10.0.1.5 443 50000 6 10 840 1431280876 1431280934 ACCEPT OK"
	keys := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("canary-old\n")
	p := start(t, nil, "--firehose.listen", "127.0.0.1:0", "--firehose.access-key-file", keys, "--state.commit-interval", "50ms",
		"--subnets.file", "testdata/subnets.txt", "--web.listen-address", "127.0.0.1:0", "--web.last-scrape-wait", "0s")
	url := "http://" + p.await(`msg="Listening on" input=firehose address=(\S+)`)
	id := 0
	send := func(key string) int { id++; return sendDelivery(url, key, fmt.Sprint("request-", id), line) }
	until := func(key string, want int) {
		t.Helper()
		for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) { // a look at the file is taken once a second
			got := send(key)
			if got == want {
				return
			}
			if time.Since(begun) > patience {
				t.Fatalf("%s is still answered %d\n%s", key, got, p.output)
			}
		}
	}
	until("canary-old", 200)
	if got := send("canary-new"); got != 401 {
		t.Errorf("a key that is not there yet is answered %d", got)
	}
	write("canary-old\ncanary-new\n")
	until("canary-new", 200)
	if got := send("canary-old"); got != 200 {
		t.Errorf("while both are there, the old one is answered %d", got)
	}
	write(`{"api_key":"canary-new"}`)
	until("canary-old", 401)
	if got := send("canary-new"); got != 200 {
		t.Errorf("the new one alone is answered %d", got)
	}
	if status := p.stop(); status != 0 || strings.Contains(p.output.String(), "canary") {
		t.Errorf("status %d\n%s", status, p.output)
	}
}

// TestFault57KilledBeforeTheAnswer: the exporter is killed between a delivery and
// its answer, and started again; Firehose sends the same request until it is
// answered 200. Each line counts once, and no key is told.
func TestFault57KilledBeforeTheAnswer(t *testing.T) {
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte("canary-old\ncanary-new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		good = "2 123456789012 eni-1235b8ca123456789 10.0.0.5 10.0.1.5 443 50000 6 10 840 1431280876 1431280934 ACCEPT OK"
		bad  = "2 123456789012 eni-1235b8ca123456789 10.0.0.5 NOT-AN-ADDRESS 443 50000 6 10 840 1431280876 1431280934 ACCEPT OK"
	)
	begin := func() (p *process, url string) {
		p = start(t, nil, "--firehose.listen", "127.0.0.1:0", "--firehose.access-key-file", keys, "-debug", "--state.path", filepath.Join(dir, "state"),
			"--subnets.file", "testdata/subnets.txt", "--web.listen-address", "127.0.0.1:0", "--web.last-scrape-wait", "0s")
		return p, "http://" + p.await(`msg="Listening on" input=firehose address=(\S+)`)
	}
	p, url := begin()
	const rounds = 5
	for i := range rounds {
		id := fmt.Sprintf("request-%d", i)
		status := make(chan int)
		go func() { status <- sendDelivery(url, "canary-new", id, good, bad, good) }()
		time.Sleep(rand.N(40 * time.Millisecond)) // any instant will do
		_ = p.cmd.Process.Kill()
		<-p.done
		<-status
		p, url = begin()
		for range 2 {
			if got := sendDelivery(url, "canary-old", id, good, bad, good); got != 200 {
				t.Fatalf("round %d: %d\n%s", i, got, p.output)
			}
		}
	}
	if got := sendDelivery(url, "canary-wrong", "x", good); got != 401 {
		t.Errorf("a wrong key is answered %d", got)
	}
	_, page := get(t, p.url()+"/metrics")
	for _, want := range []string{
		fmt.Sprintf("\nflowlog_records_total{source=\"firehose\"} %d\n", 3*rounds),
		fmt.Sprintf("\nflowlog_records_skipped_total{reason=\"malformed\",source=\"firehose\"} %d\n", rounds),
		"\nflowlog_source_deliveries_total{code=\"401\",source=\"firehose\"} 1\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in", want)
			for line := range strings.Lines(page) {
				if strings.Contains(line, `source="firehose"`) {
					t.Log(line)
				}
			}
		}
	}
	if status := p.stop(); status != 0 || strings.Contains(p.output.String(), "canary") {
		t.Errorf("status %d\n%s", status, p.output)
	}
}
