package cloud

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// TestRootsWithoutSystem: where the system has no certificate authorities, those
// of the program are trusted. Go reads the system's once for each process, so the
// test asks a child that is pointed at none.
func TestRootsWithoutSystem(t *testing.T) {
	const child = "FLOWLOG_TEST_NO_ROOTS"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		none := filepath.Join(t.TempDir(), "none")
		cmd.Env = append(os.Environ(), child+"=1", "SSL_CERT_FILE="+none, "SSL_CERT_DIR="+none)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return
	}
	trusted := 0
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cert.Verify(x509.VerifyOptions{CurrentTime: cert.NotAfter.Add(-time.Hour), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
			trusted++
		}
	}
	if trusted < 100 {
		t.Errorf("%d certificate authorities are trusted, want more than 100", trusted)
	}
}
