package deploy

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const bomType = "application/vnd.cyclonedx+json"

// checkInventory asks the registry what belongs to the index, and holds the SBOM
// against what Go itself says of the programs in the images.
func checkInventory(t *testing.T, repo string, index v1.Hash, dirs map[string]string) {
	t.Helper()
	bom := fetchInventory(t, repo+"/flowlog-exporter@"+index.String())
	got := map[string]string{}
	for _, c := range *bom.Components {
		got[c.Name+"@"+c.Version] = ""
		if c.Hashes != nil {
			got[c.Name+"@"+c.Version] = (*c.Hashes)[0].Value
		}
	}
	want := map[string]string{}
	for _, dir := range dirs {
		modules(t, filepath.Join(dir, "bin/flowlog-exporter"), want)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 20 {
		t.Errorf("modules of the SBOM (-want as of go version -m +got):\n%s", diff)
	}
	if about := bom.Metadata.Component; about.Name != "github.com/flowlog-exporter/flowlog-exporter" || about.Version != version {
		t.Errorf("the SBOM is about %s %s", about.Name, about.Version)
	}
	t.Logf("SBOM: %d modules, as go version -m says", len(got))
}

func fetchInventory(t *testing.T, subject string) *cdx.BOM {
	t.Helper()
	ref, err := name.NewDigest(subject)
	if err != nil {
		t.Fatal(err)
	}
	referrers, err := remote.Referrers(ref, remote.WithContext(t.Context()), remote.WithFilter("artifactType", bomType))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := referrers.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].ArtifactType != bomType {
		t.Fatalf("what belongs to the index: %+v, %v", manifest, err)
	}
	image, err := remote.Image(ref.Context().Digest(manifest.Manifests[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d documents in the referrer, %v", len(layers), err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	bom := new(cdx.BOM)
	raw, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := cdx.NewBOMDecoder(strings.NewReader(string(raw)), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	return bom
}

// modules adds what `go version -m` says of a program: the hash of each module in
// hexadecimal, none of Go itself.
func modules(t *testing.T, program string, into map[string]string) {
	t.Helper()
	lines := strings.Split(run(t, ".", nil, "go", "version", "-m", program), "\n")
	_, compiler, _ := strings.Cut(lines[0], ": go")
	into["std@"+strings.TrimSpace(compiler)] = ""
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		switch {
		case len(words) == 4 && words[0] == "dep":
			hash, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(words[3], "h1:"))
			if err != nil {
				t.Fatal(err)
			}
			into[words[1]+"@"+words[2]] = hex.EncodeToString(hash)
		case len(words) > 0 && (words[0] == "dep" || words[0] == "=>"):
			t.Fatalf("a module that this test does not know to read: %s", line)
		}
	}
}
