package main

import (
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// options are those of every request: credentials where docker and podman keep
// theirs after a login.
func options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
}

// push pushes index and SBOM of the OCI layout, the index under each reference.
func (s *settings) push(ctx context.Context, refs []string, out io.Writer) error {
	path, err := layout.FromPath(s.layout)
	if err != nil {
		return fmt.Errorf("no image is built yet, run `make image`: %w", err)
	}
	all, err := path.ImageIndex()
	if err != nil {
		return err
	}
	content, err := all.IndexManifest()
	if err != nil {
		return err
	}
	if len(content.Manifests) != 2 {
		return fmt.Errorf("%s holds %d manifests instead of an index and its SBOM: run `make image` again", s.layout, len(content.Manifests))
	}
	index, err := all.ImageIndex(content.Manifests[0].Digest)
	if err != nil {
		return err
	}
	bom, err := load(path, content.Manifests[1])
	if err != nil {
		return err
	}
	var to name.Repository
	for _, text := range refs {
		ref, err := name.ParseReference(text)
		if err != nil {
			return err
		}
		if err := remote.WriteIndex(ref, index, options(ctx)...); err != nil {
			return err
		}
		fmt.Fprintf(out, "image: pushed %v as %v\n", content.Manifests[0].Digest, ref)
		to = ref.Context()
	}
	return bom.send(ctx, to, out)
}

// attach makes an SBOM and attaches it to what is under the reference.
func (s *settings) attach(ctx context.Context, text string, out io.Writer) error {
	ref, err := name.ParseReference(text)
	if err != nil {
		return err
	}
	subject, err := remote.Head(ref, options(ctx)...)
	if err != nil {
		return err
	}
	bom, err := s.bom(*subject)
	if err != nil {
		return err
	}
	return bom.send(ctx, ref.Context(), out)
}
