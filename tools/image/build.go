package main

import (
	"fmt"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// home is where the source is.
const home = "https://github.com/flowlog-exporter/flowlog-exporter"

// labels are those of the OCI image specification; deploy/docker/Dockerfile
// writes the same.
func (s *settings) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       program,
		prefix + "description": "Reads Amazon VPC flow logs and exports them to Prometheus",
		prefix + "url":         home,
		prefix + "source":      home,
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     s.version,
		prefix + "revision":    s.revision,
		prefix + "created":     s.time().Format(time.RFC3339),
	}
}

// build writes the OCI layout: the index of all platforms, and its SBOM.
func (s *settings) build(out io.Writer) error {
	index, err := s.index()
	if err != nil {
		return err
	}
	subject, err := partial.Descriptor(index)
	if err != nil {
		return err
	}
	bom, err := s.bom(*subject)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(s.layout); err != nil {
		return err
	}
	path, err := layout.Write(s.layout, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(index); err != nil {
		return err
	}
	if err := bom.store(path); err != nil {
		return err
	}
	return report(index, out)
}

// index returns the images of all platforms as one.
func (s *settings) index() (v1.ImageIndex, error) {
	below, err := layer(files())
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, name := range s.list() {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return nil, err
		}
		image, err := s.image(platform, below)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	return mutate.Annotations(index, s.labels()).(v1.ImageIndex), nil
}

// image returns the image of one platform.
func (s *settings) image(platform *v1.Platform, below v1.Layer) (v1.Image, error) {
	above, err := layer(top(s.time(), s.binary(platform.String())))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: s.time()}
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: below, History: v1.History{Created: created, CreatedBy: "certificate authorities and the folder of the state"}},
		mutate.Addendum{Layer: above, History: v1.History{Created: created, CreatedBy: program + " " + s.version}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Architecture, config.OS, config.Variant, config.Created = platform.Architecture, platform.OS, platform.Variant, created
	config.Config = v1.Config{
		User:         fmt.Sprintf("%d:%d", user, user),
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Entrypoint:   []string{"/" + programAt},
		Labels:       s.labels(),
	}
	return mutate.ConfigFile(image, config)
}

// report prints the digest of the index, and what is pulled for each platform.
func report(index v1.ImageIndex, out io.Writer) error {
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "image: index %v\n", digest)
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			return err
		}
		pulled, err := pulledSize(image)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "image: %v %v, %.2f MB as pulled\n", m.Platform, m.Digest, float64(pulled)/1e6)
	}
	return nil
}

// pulledSize is what travels for an image: manifest, configuration, layers.
func pulledSize(image v1.Image) (int64, error) {
	size, err := image.Size()
	if err != nil {
		return 0, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return 0, err
	}
	size += manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, nil
}
