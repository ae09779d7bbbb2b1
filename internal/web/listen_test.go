package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bcrypt hash of "open sesame", at the lowest cost
const sesame = "$2a$04$MVLSQDWd.IW7tjefQhOYze6nzW8LGJe/brHIPNsKtpXrMb3F6QTle"

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate writes cert.pem and key.pem for 127.0.0.1 and returns who trusts them.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	draft := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, draft, draft, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, dir, "cert.pem", cert)
	write(t, dir, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

func TestTLSAndBasicAuth(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	config := write(t, dir, "web.yml", []byte("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"+
		"http_server_config: {headers: {Content-Security-Policy: \"default-src 'self'\"}}\n"+
		"basic_auth_users: {alice: "+sesame+"}\n"))
	s := &Server{ConfigFile: config, Addresses: []string{"127.0.0.1:0", "127.0.0.1:0"}}
	address := start(t, s)
	c := client()
	c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
	tests := []struct {
		name, user, password string
		status               int
	}{
		{"nobody", "", "", 401},
		{"wrong password", "alice", "open", 401},
		{"wrong user", "bob", "open sesame", 401},
		{"right", "alice", "open sesame", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request, err := http.NewRequest(http.MethodGet, "https://"+address+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.user != "" {
				request.SetBasicAuth(tt.user, tt.password)
			}
			status, header, _ := do(t, c, request)
			if status != tt.status || header.Get("Content-Security-Policy") != "default-src 'self'" {
				t.Errorf("got %d %v", status, header)
			}
		})
	}
	if s.ScrapedRecently(time.Hour) {
		t.Error("nobody scraped")
	}
	if status, _, _ := get(t, "http://"+address+"/"); status != http.StatusBadRequest {
		t.Errorf("plain HTTP answers %d", status)
	}
}

func TestBadSettings(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name   string
		server *Server
		want   string
	}{
		{"no such file", &Server{ConfigFile: filepath.Join(dir, "none.yml")}, "none.yml: open "},
		{"misspelt", &Server{ConfigFile: write(t, dir, "a.yml", []byte("tls_server_confg: {}\n"))}, "a.yml: yaml: unmarshal errors"},
		{"no key", &Server{ConfigFile: write(t, dir, "b.yml", []byte("tls_server_config: {cert_file: x}\n"))}, "b.yml: missing one of key or key_file"},
		{"plain password", &Server{ConfigFile: write(t, dir, "c.yml", []byte("basic_auth_users: {alice: secret}\n"))}, "c.yml: crypto/bcrypt: "},
		{"relative path", &Server{TelemetryPath: "metrics"}, "--web.telemetry-path=metrics: want a plain path as /metrics"},
		{"pattern", &Server{TelemetryPath: "/{all...}"}, "--web.telemetry-path=/{all...}: want a plain path as /metrics"},
		{"taken path", &Server{TelemetryPath: "/-/ready"}, "--web.telemetry-path=/-/ready: this path answers about health; choose another"},
		{"no address", &Server{}, "no address to listen on"},
		{"no socket", &Server{SystemdSocket: true}, "--web.systemd-socket=true: systemd handed over no listening socket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.server.Listen()
			if e := (*ConfigError)(nil); !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAddressThatCannotBeHad(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		name, address string
		cause         error
		want          string
	}{
		{"taken", taken.Addr().String(), syscall.EADDRINUSE, "address already in use; stop the other process or choose another --web.listen-address"},
		{"foreign", "192.0.2.1:8080", syscall.EADDRNOTAVAIL, "cannot assign requested address; give an address of this machine as --web.listen-address, or the port alone as in :8080"},
		{"port alone", "8080", nil, "address 8080: missing port in address; give --web.listen-address as host:port, or the port alone as in :8080"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Server{Addresses: []string{"127.0.0.1:0", tt.address}}
			err := s.Listen()
			e := (*ListenError)(nil)
			if !errors.As(err, &e) || tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Fatalf("got %v", err)
			}
			if want := "cannot listen on " + tt.address + ": " + tt.want; err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if len(s.Addrs()) != 0 {
				t.Errorf("%v is left open", s.Addrs())
			}
		})
	}
}
