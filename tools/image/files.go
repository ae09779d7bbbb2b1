package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"os"
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

// entry is a file or, with a name that ends in a slash, a folder of a layer.
type entry struct {
	name    string
	mode    int64
	content []byte
	owner   int
}

// files is what lies below the program: certificate authorities, and a state
// folder whose owner a new volume takes over. It has no time, so that versions
// share it as long as the authorities are the same.
func files() ([]byte, error) {
	return pack(time.Unix(0, 0),
		entry{name: "etc/"}, entry{name: "etc/ssl/"}, entry{name: "etc/ssl/certs/"},
		entry{name: rootsAt, mode: 0o644, content: roots()},
		entry{name: "var/"}, entry{name: "var/lib/"}, entry{name: stateAt + "/", owner: user})
}

// top is the program alone.
func top(at time.Time, file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return pack(at, entry{name: "bin/"}, entry{name: programAt, mode: 0o755, content: content})
}

// pack returns the entries as a tar archive.
func pack(at time.Time, entries ...entry) ([]byte, error) {
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
	err := w.Close()
	return packed.Bytes(), err
}

// layer makes a layer of a tar archive, as small as gzip can.
func layer(packed []byte, err error) (v1.Layer, error) {
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}
