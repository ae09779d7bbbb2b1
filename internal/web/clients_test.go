package web

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// lines are what a log is told.
type lines chan string

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) { l <- string(p); return len(p), nil }

// expect waits for a line.
func (l lines) expect(t *testing.T, text string) {
	t.Helper()
	for {
		select {
		case line := <-l:
			if strings.Contains(line, text) {
				return
			}
			if strings.Contains(line, "HTTP connections") {
				t.Fatalf("the log was told %s", line)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("the log was not told %q", text)
		}
	}
}

func newLines() (lines, *slog.Logger) {
	l := make(lines, 100)
	return l, slog.New(slog.NewTextHandler(l, nil))
}

// TestSlowClientsAreTold: of many one is told, whose header never ends, and none
// that is idle between its requests.
func TestSlowClientsAreTold(t *testing.T) {
	told, log := newLines()
	const limit = 50 * time.Millisecond
	address := start(t, &Server{Logger: log, Limits: Limits{ReadHeaderTimeout: limit, IdleTimeout: 2 * limit}})
	idle := dial(t, address)
	if _, err := ask(idle); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(idle); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nX-Slow: "); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			told.expect(t, `HTTP connections of slow clients ended" client=`+conn.LocalAddr().String()+" times=1")
		}
	}
	select {
	case line := <-told:
		t.Errorf("told again: %s", line)
	default:
	}
}

// TestClientThatDoesNotReadIsTold: a scraper that takes none of its answer is cut
// off, and a client whose request has a body that never ends.
func TestClientThatDoesNotReadIsTold(t *testing.T) {
	const limit = 50 * time.Millisecond
	for name, request := range map[string]string{
		"answer": "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n",
		"body":   "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			told, log := newLines()
			large := pages(t, committed(100_000, 1))
			address := start(t, &Server{Committed: large, Logger: log, Limits: Limits{ReadHeaderTimeout: limit / 2, ReadTimeout: limit, WriteTimeout: limit}})
			conn := dial(t, address)
			if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			told.expect(t, "HTTP connections of slow clients ended")
		})
	}
}

// TestFullListenerIsTold: once, though further clients come.
func TestFullListenerIsTold(t *testing.T) {
	told, log := newLines()
	address := start(t, &Server{Logger: log, Limits: Limits{MaxConnections: 2}})
	first, second := dial(t, address), dial(t, address)
	if _, err := ask(first); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(second); err != nil {
		t.Fatal(err)
	}
	told.expect(t, "as many HTTP connections are open as may be")
	first.Close()
	third := dial(t, address)
	if _, err := ask(third); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-told:
		t.Errorf("told again: %s", line)
	default:
	}
}
