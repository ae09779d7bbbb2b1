package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Where things are in the image, and whose the state is.
const (
	program   = "flowlog-exporter"
	programAt = "bin/" + program
	rootsAt   = "etc/ssl/certs/ca-certificates.crt"
	stateAt   = "var/lib/" + program
	user      = 65534
)

// roots returns the certificate authorities that Mozilla trusts, as the file
// where Go looks for them. The program has them as well; the file is there to be
// replaced.
func roots() []byte {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		_ = pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes all
	}
	return file.Bytes()
}

// writeFiles writes what the first layer holds below dir; whose it is the
// Dockerfile says.
func writeFiles(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, stateAt), 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(rootsAt)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, rootsAt), roots(), 0o644) //nolint:gosec // certificates are public
}

// entry is a file or, with a name that ends in a slash, a folder of a layer.
type entry struct {
	name    string
	mode    int64
	content []byte
	owner   int
}

// filesLayer is the layer below the program, the same for years: certificate
// authorities, and a state folder whose owner a new volume takes over.
func filesLayer(at time.Time) (v1.Layer, error) {
	return layer(at,
		entry{name: "etc/"}, entry{name: "etc/ssl/"}, entry{name: "etc/ssl/certs/"},
		entry{name: rootsAt, mode: 0o644, content: roots()},
		entry{name: "var/"}, entry{name: "var/lib/"}, entry{name: stateAt + "/", owner: user})
}

// programLayer is the layer of the program alone.
func programLayer(at time.Time, file string) (v1.Layer, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return layer(at, entry{name: "bin/"}, entry{name: programAt, mode: 0o755, content: content})
}

// layer packs the entries, as small as gzip can.
func layer(at time.Time, entries ...entry) (v1.Layer, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, e := range entries {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.content)), Uid: e.owner, Gid: e.owner,
			ModTime: at, Format: tar.FormatUSTAR,
		}
		if strings.HasSuffix(e.name, "/") {
			header.Typeflag, header.Mode = tar.TypeDir, 0o755
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}
