// Package web serves the metrics, the health of the exporter and a landing page,
// plain or by TLS and basic auth.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
)

// shutdownGrace is how long answers in flight may take after the end.
const shutdownGrace = 5 * time.Second

// Check says why the exporter is not ready yet, in a sentence, or nil. It is
// called for each question, by several goroutines at once, and must not wait.
type Check func() error

// Server is the HTTP side of the exporter. Its fields are set before Listen and
// not changed afterwards. Its methods are safe for concurrent use once Listen
// has returned.
type Server struct {
	// Addresses are the host:port to listen on; an empty host is all of the
	// machine's addresses.
	Addresses []string
	// TelemetryPath is where the metrics are; empty is /metrics.
	TelemetryPath string
	// ConfigFile turns on TLS and basic auth, in the format of
	// https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md;
	// empty is neither.
	ConfigFile string
	// SystemdSocket takes the listeners from systemd instead of Addresses.
	SystemdSocket bool
	// Committed holds the page of what is committed. Before the first commit a
	// scrape has the live metrics alone; nil is no page ever.
	Committed *Pages
	// Gatherer is asked for the live metrics, those of the process itself, once
	// for each scrape. None of them may have the name of a committed one: it is
	// left out, logged and counted as cause="overlap" in promhttp_*.
	Gatherer prometheus.Gatherer
	// Registry takes the promhttp_* metrics and should be among what Gatherer
	// gathers; nil goes without.
	Registry prometheus.Registerer
	// Ready must all be nil before the exporter is ready.
	Ready []Check
	// Reload answers POST /-/reload; nil refuses it.
	Reload func() error
	// Handler, when set, answers every request in the place of the above.
	Handler http.Handler
	// Names are how errors call the settings; the zero value is those of the
	// metrics.
	Names Names
	// Logger may be nil.
	Logger *slog.Logger
	// Version is shown on the landing page.
	Version string
	// Limits protect the exporter against slow and many clients. Each limit
	// that is 0 has its usual value.
	Limits Limits

	listeners []net.Listener
	scrapes   scrapes
}

// Names are the flags of a server without their dashes.
type Names struct{ Listen, Config string }

// Limits bound what one client, and all of them, can hold.
type Limits struct {
	// ReadHeaderTimeout is for a TLS handshake and the header of a request: 5 s.
	ReadHeaderTimeout time.Duration
	// ReadTimeout is for a whole request: 15 s.
	ReadTimeout time.Duration
	// WriteTimeout is for a whole answer: 60 s.
	WriteTimeout time.Duration
	// IdleTimeout is for the next request on an open connection: 120 s.
	IdleTimeout time.Duration
	// MaxHeaderBytes is for the header of a request: 16 KiB.
	MaxHeaderBytes int
	// MaxConnections is for each listener: 1,024. More wait in the system's queue.
	MaxConnections int
}

// The usual limits.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 16 << 10
	maxConnections    = 1024
)

func (l Limits) withDefaults() Limits {
	return Limits{
		ReadHeaderTimeout: either(l.ReadHeaderTimeout, readHeaderTimeout),
		ReadTimeout:       either(l.ReadTimeout, readTimeout),
		WriteTimeout:      either(l.WriteTimeout, writeTimeout),
		IdleTimeout:       either(l.IdleTimeout, idleTimeout),
		MaxHeaderBytes:    either(l.MaxHeaderBytes, maxHeaderBytes),
		MaxConnections:    either(l.MaxConnections, maxConnections),
	}
}

func either[T comparable](v, usual T) T {
	var zero T
	if v == zero {
		return usual
	}
	return v
}

// Serve answers until ctx ends, then lets the answers in flight finish for five
// seconds and returns nil. It returns an error when a listener fails. Listen
// comes before; Serve is called once and closes the listeners.
func (s *Server) Serve(ctx context.Context) error {
	defer s.Close()
	handler := s.handler()
	failed := make(chan error, len(s.listeners))
	// A server for each listener: the toolkit wraps the handler of the server
	// it is given, and would wrap a shared one twice.
	servers := make([]*http.Server, len(s.listeners))
	for i, l := range s.listeners {
		servers[i] = s.server(handler)
		watched := &clients{Listener: l, limits: s.Limits.withDefaults(), log: s.logger()}
		servers[i].ConnState = watched.watch
		go func() { failed <- s.serve(watched, servers[i]) }()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.shutdown(servers)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) serve(l net.Listener, server *http.Server) error {
	flags := &web.FlagConfig{WebListenAddresses: &s.Addresses, WebSystemdSocket: &s.SystemdSocket, WebConfigFile: &s.ConfigFile}
	return web.Serve(l, server, flags, s.logger())
}

func (s *Server) server(handler http.Handler) *http.Server {
	limits := s.Limits.withDefaults()
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: limits.ReadHeaderTimeout,
		ReadTimeout:       limits.ReadTimeout,
		WriteTimeout:      limits.WriteTimeout,
		IdleTimeout:       limits.IdleTimeout,
		MaxHeaderBytes:    limits.MaxHeaderBytes,
		// What clients do wrong, as a broken handshake, is theirs to log.
		ErrorLog: slog.NewLogLogger(s.logger().Handler(), slog.LevelDebug),
	}
}

// shutdown ends all servers at once, each with its answers in flight.
func (s *Server) shutdown(servers []*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	ended := make(chan error, len(servers))
	for _, server := range servers {
		go func() { ended <- errors.Join(server.Shutdown(ctx), server.Close()) }()
	}
	for range servers {
		if err := <-ended; err != nil {
			s.logger().Warn("an HTTP client was cut off at the end", "err", err)
		}
	}
}

func (s *Server) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}
