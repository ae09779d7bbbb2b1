package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// poison is in the line that makes something panic.
const poison = "poison\x1b[2J\n\x00\xff\u009b"

// poisoned panics when it comes to read poison, after it has handed over what
// is before; whoever uses it after that is told by a record.
type poisoned struct {
	Reader
	panicked bool
}

func (p *poisoned) Read(body flow.Body, yield func(*flowlog.Block) error) error {
	before, _, found := bytes.Cut(body.Data, []byte(poison))
	if p.panicked {
		before = []byte(line + "\n" + line + "\n" + line)
	}
	if err := p.Reader.Read(flow.Body{Data: before}, yield); err != nil || !found {
		return err
	}
	p.panicked = true
	var none []int
	_ = none[len(before)]
	return nil
}

// poisonedTally panics after it has counted.
type poisonedTally struct{ fakeTally }

func (t *poisonedTally) Observe(records []flow.Record) {
	t.fakeTally.Observe(records)
	if len(records) == 2 {
		panic(errors.New(poison))
	}
}

// A message that makes the decoder panic is set aside: nothing of it counts,
// its place moves on, and those before and behind it count.
func TestFault46PoisonRecord(t *testing.T) {
	twoLines := line + "\n" + line + "\n"
	poisonOf := map[string]string{"reader": poison} // the others panic at two records
	for name, poisoning := range map[string]func(*way){
		"reader": func(w *way) {
			made := w.NewReader
			w.NewReader = func(known flowlog.Deliveries) Reader { return &poisoned{Reader: made(known)} }
		},
		"address book": func(w *way) {
			locator := w.NewLocator()
			w.NewLocator = func() Locator {
				return fakeLocator(func(records []flow.Record) {
					locator.Locate(records)
					if len(records) == 2 {
						panic(poison)
					}
				})
			}
		},
		"tally": func(w *way) {
			w.NewTally = func() Tally { return &poisonedTally{fakeTally{way: w}} }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWay()
			poisoning(w)
			const times = 50
			for range times {
				w.handle(t, line, twoLines+poisonOf[name], line)
			}
			w.check(t, 2*times, 0, times)
			if w.readers < times+1 {
				t.Errorf("%d readers: those that panicked are used again", w.readers)
			}
			if n := len(w.places); n != 3*times {
				t.Errorf("%d places were moved, want %d", n, 3*times)
			}
			if want := map[bool]int{true: 4 * times, false: 2 * times}[name == "reader"]; w.told != want {
				t.Errorf("the observer was told %d records, want %d", w.told, want)
			}
		})
	}
}

// What a poisonous message took is given back: the same events count when they
// come in a message that can be read.
func TestFault46PoisonGivesDeliveriesBack(t *testing.T) {
	w := newWay()
	made := w.NewReader
	w.NewReader = func(known flowlog.Deliveries) Reader { return &poisoned{Reader: made(known)} }
	doc := envelope("s", true, 0, 3)
	w.handle(t, doc+poison, doc, doc)
	w.check(t, 3, 3, 1)
}

// A stream that panics is set aside as a message is.
func TestFault46PoisonStream(t *testing.T) {
	w := newWay()
	if err := w.Handle(t.Context(), flow.Body{Source: "file", Place: flow.Place{Position: "end"}, Stream: panickingStream{}}); err != nil {
		t.Fatal(err)
	}
	w.check(t, 0, 0, 1)
	if len(w.places) != 1 {
		t.Error("the place stands still")
	}
}

type panickingStream struct{}

func (panickingStream) Read([]byte) (int, error) { panic("no more") }

// panicking is a reader that always panics.
type panicking struct{}

func (panicking) Read(flow.Body, func(*flowlog.Block) error) error { panic(errors.New(poison)) }

// An observer is shared: its panic is not hidden.
func TestPanicsOfObserversAreNotHidden(t *testing.T) {
	w := newWay()
	w.Observers = []Observer{panickingObserver{}}
	defer func() {
		if cause := recover(); cause != "deny log" {
			t.Errorf("recovered %v", cause)
		}
	}()
	w.handle(t, line)
	t.Error("no panic")
}

type panickingObserver struct{}

func (panickingObserver) Observe(string, []flow.Record) { panic("deny log") }

// logs are both ways in which a log can be written.
var logs = map[string]func(*bytes.Buffer) slog.Handler{
	"logfmt": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	"JSON":   func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
}

// checkLog fails when a log holds anything but printable text.
func checkLog(t *testing.T, log string, lines int) {
	t.Helper()
	if n := strings.Count(log, "\n"); n != lines {
		t.Errorf("%d lines, want %d:\n%q", n, lines, log)
	}
	for _, r := range log {
		if r != '\n' && !unicode.IsPrint(r) || !utf8.ValidString(log) {
			t.Fatalf("%q stands in the log: %q", r, log)
		}
	}
}

func TestFault46PoisonIsToldOncePerTenSeconds(t *testing.T) {
	for name, handler := range logs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				w := newWay()
				w.Logger = slog.New(handler(&log))
				w.NewReader = func(flowlog.Deliveries) Reader { return panicking{} }
				message := strings.Repeat(poison, 100)
				for range 100 {
					w.handle(t, message)
				}
				checkLog(t, log.String(), 1)
				time.Sleep(quiet - 1)
				w.handle(t, message)
				checkLog(t, log.String(), 1)
				time.Sleep(time.Nanosecond)
				body := flow.Body{Source: "kinesis", Place: flow.Place{Partition: poison, Position: poison}, Data: []byte(message)}
				if err := w.Handle(t.Context(), body); err != nil {
					t.Fatal(err)
				}
				checkLog(t, log.String(), 2)
				for _, want := range []string{"panicking.Read:", "bytes", fmt.Sprint(len(message)), "sha256", "messages", "101", `x1b[2J`} {
					if !strings.Contains(log.String(), want) {
						t.Errorf("%q is not in the log:\n%s", want, log.String())
					}
				}
				if name == "JSON" {
					var told struct {
						First string `json:"first_bytes"`
						Panic string
					}
					first, _, _ := strings.Cut(log.String(), "\n")
					if err := json.Unmarshal([]byte(first), &told); err != nil || len(told.First) > 256 || len(told.First) < 250 {
						t.Errorf("%v; %d bytes of the message are told: %s", err, len(told.First), told.First)
					}
				}
			})
		})
	}
}

// Labels come from closed lists: what stands in a record breaks no scrape.
func TestFault42LabelsAreNotMadeOfRecords(t *testing.T) {
	w := newWay()
	dirty := strings.Replace(line, "eni-1235b8ca123456789", "eni-\x01\xff\x1b[2J\u009b", 1)
	w.handle(t, line+"\n"+strings.Repeat(line+"\n", 10)+dirty)
	w.check(t, 12, 0, 0)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(w.Accounts)
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}

// Times that cannot be are counted and bend no metric: a window that ends
// before it starts has the delay of its end, one in the year 2100 has none.
func TestFault44TimesThatCannotBe(t *testing.T) {
	const year2100 = 4102444800
	now := time.Now().Unix()
	w := newWay()
	w.handle(t, strings.Replace(line, "1418530010 1418530070", fmt.Sprint(now, " ", now-100), 1),
		strings.Replace(line, "1418530010 1418530070", fmt.Sprint(year2100, " ", year2100+60), 1))
	w.check(t, 2, 0, 0)
	s := w.Accounts.sources["kinesis"]
	if s.lastEnd != now-100 {
		t.Errorf("the last record ends at %d, want %d", s.lastEnd, now-100)
	}
	if s.delay.buckets[0] != 1 || s.delay.sum < 100 || s.delay.sum > 200 {
		t.Errorf("delays %v, sum %d", s.delay.buckets, s.delay.sum)
	}
}
