//go:build e2e

package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// roadSeed and roadEvents say what is drawn.
const roadSeed, roadEvents = "5", "400"

// roads is the traffic and the roads that it was seen on.
type roads struct {
	*world
	program string
	drawn   struct {
		Bodies, Lines, Inside int
		From, To              string
	}
	traffic  *truth // of what was drawn
	compared int
	told     []string // a figure of each road
}

// TestRoads delivers the same flow logs by Kinesis, by S3 as text and as Parquet of
// another writer, and by Firehose, and lets the exporter replay the objects too. On
// each road all totals must be the truth, and those of the traffic the same.
func TestRoads(t *testing.T) {
	r := &roads{world: startWorld(t), program: buildExporter(t)}
	r.run(t, &r.drawn, "roads.py", "draw", roadSeed, roadEvents)
	r.traffic = r.road("traffic").truth(t)
	for _, road := range []struct {
		name   string
		travel func(*testing.T, string)
	}{{"kinesis", r.kinesis}, {"text", r.objects}, {"parquet", r.objects}, {"firehose", r.firehose}} {
		if !t.Run(road.name, func(t *testing.T) { road.travel(t, road.name) }) {
			return
		}
	}
	t.Logf("one traffic on %d roads: %d lines in %d bodies, %d of them within --from and --to; %d totals compared, mismatches 0: %s",
		len(r.told), r.drawn.Lines, r.drawn.Bodies, r.drawn.Inside, r.compared, strings.Join(r.told, "; "))
}

// road is the part of the world that truth.py counts for a road.
func (r *roads) road(name string) *world {
	return &world{dir: r.file(name), endpoint: r.endpoint, server: r.server}
}

func (r *roads) kinesis(t *testing.T, road string) {
	r.run(t, nil, "roads.py", road)
	p := r.start(t, "-stream="+stream, "--kinesis.start=trim_horizon")
	r.arrives(t, p, road, nil)
}

func (r *roads) firehose(t *testing.T, road string) {
	certificate, key := r.certificate(t)
	r.write(t, "tls.yml", fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}\n", certificate, key))
	r.write(t, "keys", "the former key\nthe key\n")
	p := r.start(t, "--firehose.listen=127.0.0.1:0", "--firehose.access-key-file="+r.file("keys"), "--firehose.web-config-file="+r.file("tls.yml"))
	address := p.awaitLine(t, `msg="Listening on" input=firehose address=(\S+)`)
	var sent struct{ Requests, Records, Direct, Envelopes, Again, Refused int }
	r.run(t, &sent, "roads.py", road, "https://"+address, "the key", certificate)
	r.arrives(t, p, road, map[string]int{
		"flowlog_source_redeliveries_total":               sent.Again,
		`flowlog_source_deliveries_total{.*code="200".*}`: sent.Requests + sent.Again,
		`flowlog_source_deliveries_total{.*code="401".*}`: sent.Refused,
		"flowlog_source_messages_total":                   sent.Records,
	})
	if sent.Direct == 0 || sent.Envelopes == 0 || sent.Again == 0 || sent.Refused == 0 {
		t.Errorf("not all was tried: %+v", sent)
	}
}

// objects reads the objects as a queue tells of them, and as they are listed: all
// of them, and those of a time.
func (r *roads) objects(t *testing.T, road string) {
	var put struct {
		Queue, Bucket string
		Objects       int
		Parts         map[string]int
	}
	r.run(t, &put, "roads.py", road)
	if len(put.Parts) != 4 {
		t.Errorf("not all kinds of paths are there: %v", put.Parts)
	}
	p := r.start(t, "--s3.queue-url="+put.Queue)
	r.arrives(t, p, road, map[string]int{`flowlog_source_objects_total{.*outcome="(duplicate|failed|denied|missing)".*}`: 0})
	where := "s3://" + put.Bucket + "/AWSLogs/"
	page := r.replay(t, where)
	r.equals(t, "replay of "+road, page, r.road(road).truth(t), r.traffic)
	page = r.replay(t, "--from="+r.drawn.From, "--to="+r.drawn.To, where)
	inside := r.road("inside").truth(t)
	r.equals(t, "a time of "+road, page, inside.onlyTraffic(), inside)
	read, outside := sum(page, "flowlog_records_total", nil)[""], sum(page, "flowlog_records_skipped_total", []string{"reason"})["too_old"]
	if all := float64(r.road(road).truth(t).Lines); read >= all || outside == 0 {
		t.Errorf("of %v records %v were read, %v of them too old: neither paths nor records were looked at", all, read, outside)
	}
}

// start runs the exporter on a road, with all that it needs of AWS.
func (r *roads) start(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.program, append(args, "--aws.region="+region, "--state.commit-interval=100ms",
		"--web.listen-address=127.0.0.1:0", "--web.last-scrape-wait=0s")...)
	cmd.Env = append(r.environment(), "AWS_ACCESS_KEY=end", "AWS_SECRET_KEY=to-end")
	return start(t, "exporter", cmd)
}

func (r *roads) replay(t *testing.T, args ...string) (page string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.program, append([]string{"replay", "--output=prom", "--aws.region=" + region}, args...)...)
	cmd.Env = append(r.environment(), "AWS_ACCESS_KEY=end", "AWS_SECRET_KEY=to-end")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("replay %v: %v\n%s", args, err, complaint.String())
	}
	return string(out)
}

// arrives waits until the exporter shows the truth of a road, wants to see it for
// a second more, and lets the exporter end.
func (r *roads) arrives(t *testing.T, p *process, road string, also map[string]int) {
	t.Helper()
	address := p.awaitLine(t, `msg="Listening on" address=(\S+)`)
	want, page, since := r.road(road).truth(t), "", time.Time{}
	await(t, settleLimit, func() (bool, string) {
		_, page = get("http://" + address + "/metrics")
		differ := compare(page, want)
		if len(differ) > 0 && !since.IsZero() {
			t.Fatalf("the truth is passed:\n%s", table(differ))
		}
		if len(differ) > 0 {
			return false, fmt.Sprintf("%d series differ:\n%s", len(differ), table(differ))
		}
		if since.IsZero() {
			since = time.Now()
		}
		return time.Since(since) > time.Second, "the truth was not there for a second"
	}, p, r.server)
	r.equals(t, road, page, want, r.traffic)
	for series, n := range also {
		name, labels, _ := strings.Cut(series, "{")
		got := 0.0
		for _, m := range regexp.MustCompile(`(?m)^`+name+`\{`+strings.TrimSuffix(labels, "}")+`.*\} (\S+)$`).FindAllStringSubmatch(page, -1) {
			v, _ := strconv.ParseFloat(m[1], 64)
			got += v
		}
		if got != float64(n) {
			t.Errorf("%s adds up to %v, want %d", series, got, n)
		}
	}
	if status := p.stop(t, stopLimit); status != 0 {
		t.Errorf("exit status %d\n%s", status, p.said.tail(20))
	}
}

// equals wants a page to show all of a road's own truth, and of the traffic what
// was drawn.
func (r *roads) equals(t *testing.T, road, page string, own, drawn *truth) {
	t.Helper()
	traffic := drawn.onlyTraffic()
	for _, want := range []*truth{own, traffic} {
		if differ := compare(page, want); len(differ) > 0 {
			t.Errorf("%s:\n%s", road, table(differ))
		}
		for _, m := range want.Metrics {
			r.compared += len(m.Series)
		}
	}
	r.told = append(r.told, road)
}

// onlyTraffic leaves out the accounts of what did not count: a Parquet object has
// no lines that are no records, and Kinesis no probes of Firehose.
func (w *truth) onlyTraffic() *truth {
	only := *w
	only.Metrics = maps.Clone(w.Metrics)
	maps.DeleteFunc(only.Metrics, func(name string, _ expected) bool {
		return strings.HasPrefix(name, "flowlog_decode_") || name == "flowlog_records_total" || strings.HasPrefix(name, "flowlog_records_skipped_")
	})
	return &only
}

// compare returns the series of a page that differ from the truth, also those that
// are too many.
func compare(page string, want *truth) (differ []difference) {
	for _, name := range slices.Sorted(maps.Keys(want.Metrics)) {
		metric := want.Metrics[name]
		got := sum(page, name, metric.By)
		for _, s := range metric.Series {
			labels := strings.Join(s.Labels, " ")
			if v, there := got[labels]; !there || v != float64(s.Value) {
				differ = append(differ, difference{name + " " + labels, fmt.Sprint(s.Value), fmt.Sprint(got[labels])})
			}
			delete(got, labels)
		}
		for labels, v := range got {
			differ = append(differ, difference{name + " " + labels, "", fmt.Sprint(v)})
		}
	}
	return differ
}

// sum adds a metric of a page up by some of its labels, whose values stand in the
// keys one blank apart.
func sum(page, metric string, by []string) map[string]float64 {
	sums := map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^`+metric+`(?:\{(.*)\})? (\S+)$`).FindAllStringSubmatch(page, -1) {
		values := make([]string, len(by))
		for i, label := range by {
			if v := regexp.MustCompile(`(?:^|,)` + label + `="([^"]*)"`).FindStringSubmatch(m[1]); v != nil {
				values[i] = v[1]
			}
		}
		v, _ := strconv.ParseFloat(m[2], 64)
		sums[strings.Join(values, " ")] += v
	}
	return sums
}

// certificate writes one that is good for 127.0.0.1, and its key.
func (r *roads) certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	server.Close()
	secret, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	r.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return r.file("cert.pem"), r.file("key.pem")
}

func (r *roads) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(r.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
