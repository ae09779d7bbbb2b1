//go:build durability

package durability

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fileSeries is the number of records read from files.
const fileSeries = `flowlog_records_total{source="file"}`

// TestFault65FilesAreReadOnce: a file that is counted is not counted again by the
// next life, and another file in its place is, though it has the same name.
func TestFault65FilesAreReadOnce(t *testing.T) {
	w := newWorld(t, 65, 1)
	file := filepath.Join(t.TempDir(), "flow.log")
	write := func(first, lines int) {
		var text strings.Builder
		for i := range lines {
			fmt.Fprintf(&text, "2 123456789012 eni-0%016d 203.0.113.1 10.20.0.9 %d 443 6 10 840 1418530010 1418530070 ACCEPT OK\n", 1, first+i)
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	life := func(want float64, end func(*process)) {
		t.Helper()
		p := w.start("-stream", "", "--file.path", file)
		url := p.url()
		p.until(func() error { return compare(map[string]float64{fileSeries: want}, w.log.scrape(p, url)) })
		for range 10 { // what is counted twice comes late
			time.Sleep(2 * commitInterval)
			if err := compare(map[string]float64{fileSeries: want}, w.log.scrape(p, url)); err != nil {
				t.Fatal(err)
			}
		}
		end(p)
	}
	write(1000, 100)
	life(100, (*process).kill)
	life(100, func(p *process) { p.stop() })
	if err := os.Rename(file, file+".1"); err != nil { // rotated: another inode
		t.Fatal(err)
	}
	write(2000, 50)
	life(150, (*process).kill)
	write(3000, 70) // truncated and written anew: the same inode
	life(220, (*process).kill)
	life(220, (*process).kill)
}

// TestFault63HangUp: a signal that asks for what cannot be had leaves things as
// they are.
func TestFault63HangUp(t *testing.T) {
	w := newWorld(t, 63, 1)
	w.flood(1)
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := w.start("--deny-log.output", "file:"+filepath.Join(dir, "deny.log"), "--deny-log.rate", "0")
	url := p.url()
	w.settled(p, url)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.await("the old file stays in use")
	w.flood(w.denied() + 100)
	w.settled(p, url)
	p.stop()
	text, err := os.ReadFile(filepath.Join(dir+".away", "deny.log"))
	if lines := bytes.Count(text, []byte("\n")); err != nil || float64(lines) != w.denied() {
		t.Errorf("%d lines of %v refused flows: %v", lines, w.denied(), err)
	}
}

// TestFault64Certificate: a new certificate is used from the next connection on.
// While it is broken nobody is let in, and afterwards everybody again.
func TestFault64Certificate(t *testing.T) {
	w := newWorld(t, 64, 1)
	dir := t.TempDir()
	config := filepath.Join(dir, "web.yml")
	if err := os.WriteFile(config, []byte("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	certify(t, dir, 1)
	p := w.start("--web.config.file", config)
	address := p.await(listening)
	present := func() (int64, error) {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if serial, err := present(); serial != 1 || err != nil {
		t.Errorf("certificate %d: %v", serial, err)
	}
	certify(t, dir, 2)
	if serial, err := present(); serial != 2 || err != nil {
		t.Errorf("after the rotation: certificate %d: %v", serial, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if serial, err := present(); err == nil {
		t.Errorf("with a broken file: certificate %d", serial)
	}
	certify(t, dir, 3)
	if serial, err := present(); serial != 3 || err != nil {
		t.Errorf("after the repair: certificate %d: %v", serial, err)
	}
	p.stop()
}

// certify writes a key and its self-signed certificate.
func certify(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
