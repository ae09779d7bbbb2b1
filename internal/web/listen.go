package web

import (
	"errors"
	"fmt"
	"net"
	"path"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/net/netutil"
)

// ConfigError is a setting that cannot work, found before anything is opened.
type ConfigError struct {
	// Flag is the name of the setting, Value what the user gave.
	Flag, Value string
	Err         error
}

func (e *ConfigError) Error() string { return fmt.Sprintf("--%s=%s: %v", e.Flag, e.Value, e.Err) }

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

// ListenError is an address that cannot be had.
type ListenError struct {
	// Flag is the name of the setting.
	Address, Flag string
	Err           error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("cannot listen on %s: %v; %s", e.Address, innermost(e.Err), e.remedy())
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

func (e *ListenError) remedy() string {
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return "stop the other process or choose another --" + e.Flag
	case errors.Is(e.Err, syscall.EACCES):
		return "choose a port above 1023 or grant CAP_NET_BIND_SERVICE"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return "give an address of this machine as --" + e.Flag + ", or the port alone as in :8080"
	}
	return "give --" + e.Flag + " as host:port, or the port alone as in :8080"
}

// innermost drops what the layers of net say before the cause.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// Listen checks the settings and opens all listeners, so that clients can
// connect; Serve answers them. It returns a *ConfigError or a *ListenError, and
// then nothing is left open.
func (s *Server) Listen() error {
	if err := s.check(); err != nil {
		return err
	}
	listeners, err := s.open()
	if err != nil {
		return err
	}
	for _, l := range listeners {
		s.listeners = append(s.listeners, netutil.LimitListener(l, s.Limits.withDefaults().MaxConnections))
	}
	return nil
}

func (s *Server) check() error {
	p := s.telemetryPath()
	switch {
	case !strings.HasPrefix(p, "/") || path.Clean(p) != p || strings.ContainsAny(p, "{}?#% "):
		return &ConfigError{"web.telemetry-path", p, errors.New("want a plain path as /metrics")}
	case p == healthyPath || p == readyPath || p == healthPath || p == reloadPath:
		return &ConfigError{"web.telemetry-path", p, errors.New("this path answers about health; choose another")}
	}
	if err := web.Validate(s.ConfigFile); err != nil {
		return &ConfigError{either(s.Names.Config, "web.config.file"), s.ConfigFile, err}
	}
	return nil
}

func (s *Server) listenName() string { return either(s.Names.Listen, "web.listen-address") }

func (s *Server) open() ([]net.Listener, error) {
	if s.SystemdSocket {
		return inherited()
	}
	if len(s.Addresses) == 0 {
		return nil, &ConfigError{s.listenName(), "", errors.New("no address to listen on; give one as :8080")}
	}
	var listeners []net.Listener
	for _, address := range s.Addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			closeAll(listeners)
			return nil, &ListenError{address, s.listenName(), err}
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// inherited returns the sockets that systemd opened for this process:
// https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
func inherited() ([]net.Listener, error) {
	all, err := activation.Listeners()
	if err != nil {
		return nil, &ConfigError{"web.systemd-socket", "true", err}
	}
	var listeners []net.Listener
	for _, l := range all {
		if l != nil { // not every inherited file is a listening socket
			listeners = append(listeners, l)
		}
	}
	if len(listeners) == 0 {
		return nil, &ConfigError{"web.systemd-socket", "true",
			errors.New("systemd handed over no listening socket; start the exporter by its .socket unit")}
	}
	return listeners, nil
}

// Addrs returns the addresses that are listened on, in the order of Addresses.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Close closes the listeners. It is for those who listened and will not serve;
// Serve does it itself. Closing again does nothing.
func (s *Server) Close() { closeAll(s.listeners) }

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close() // nothing was written, and it may be closed already
	}
}
