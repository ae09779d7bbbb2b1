package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// bomType is the media type of the SBOM. Its configuration, which is empty, says
// the same: by that older registries tell what kind of artifact it is.
const bomType = "application/vnd.cyclonedx+json"

// referrer is an artifact that belongs to an index, its subject: a manifest with
// an empty configuration and one document.
type referrer struct {
	manifest  []byte
	documents []v1.Layer
}

// bom returns the SBOM as a referrer of the subject.
func (s *settings) bom(subject v1.Descriptor) (*referrer, error) {
	document, err := s.inventory()
	if err != nil {
		return nil, err
	}
	nothing, layer := static.NewLayer([]byte("{}"), bomType), static.NewLayer(document, bomType)
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: bomType,
		Config: describe([]byte("{}"), bomType), Layers: []v1.Descriptor{describe(document, bomType)},
		Subject:     &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest},
		Annotations: map[string]string{"org.opencontainers.image.created": s.time().Format(time.RFC3339)},
	})
	return &referrer{manifest, []v1.Layer{nothing, layer}}, err
}

func describe(content []byte, kind types.MediaType) v1.Descriptor {
	digest, size, _ := v1.SHA256(bytes.NewReader(content)) // memory is read without error
	return v1.Descriptor{MediaType: kind, Size: size, Digest: digest}
}

// RawManifest and MediaType make the referrer what remote can put.
func (r *referrer) RawManifest() ([]byte, error) { return r.manifest, nil }

// MediaType is that of the manifest.
func (r *referrer) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// store adds the referrer to an OCI layout.
func (r *referrer) store(path layout.Path) error {
	for _, layer := range r.documents {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		if err := path.WriteBlob(digest, content); err != nil {
			return err
		}
	}
	own := describe(r.manifest, types.OCIManifestSchema1)
	if err := path.WriteBlob(own.Digest, io.NopCloser(bytes.NewReader(r.manifest))); err != nil {
		return err
	}
	own.ArtifactType = bomType
	return path.AppendDescriptor(own)
}

// load reads the referrer back out of an OCI layout.
func load(path layout.Path, of v1.Descriptor) (*referrer, error) {
	raw, err := path.Bytes(of.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	r := &referrer{manifest: raw}
	for _, d := range append([]v1.Descriptor{manifest.Config}, manifest.Layers...) {
		content, err := path.Bytes(d.Digest)
		if err != nil {
			return nil, err
		}
		r.documents = append(r.documents, static.NewLayer(content, d.MediaType))
	}
	return r, nil
}

// send pushes the referrer into the repository.
func (r *referrer) send(ctx context.Context, to name.Repository, out io.Writer) error {
	for _, layer := range r.documents {
		if err := remote.WriteLayer(to, layer, options(ctx)...); err != nil {
			return err
		}
	}
	digest := describe(r.manifest, types.OCIManifestSchema1).Digest
	if err := remote.Put(to.Digest(digest.String()), r, options(ctx)...); err != nil {
		return err
	}
	fmt.Fprintf(out, "image: SBOM %v\n", digest)
	return nil
}
