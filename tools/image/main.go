// Command image builds the container image without an engine: an index of one
// image for each platform and an SBOM, reproducible, as an OCI layout; and
// pushes it to a registry. deploy/docker/image calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

const usage = `usage: image COMMAND [FLAGS] [ARGS]
  files FILE      write what the image holds beside the program as a tar archive, for a Dockerfile
  build           build index and SBOM as an OCI layout
  push REF...     push the OCI layout under each reference, and its SBOM
  attach REF      attach an SBOM to an index that an engine pushed`

// settings say what is built, and out of what.
type settings struct {
	dist, layout                 string
	platforms, version, revision string
	created                      int64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	var s settings
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&s.dist, "dist", "dist", "folder with OS-ARCH/flowlog-exporter of each platform")
	flags.StringVar(&s.layout, "layout", "dist/image", "folder of the OCI layout")
	flags.StringVar(&s.platforms, "platforms", "linux/amd64,linux/arm64", "what the index holds")
	flags.StringVar(&s.version, "version", "unknown", "version of the program")
	flags.StringVar(&s.revision, "revision", "unknown", "commit of the program")
	flags.Int64Var(&s.created, "created", 0, "Unix time of the commit")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch rest := flags.Args(); {
	case args[0] == "files" && len(rest) == 1:
		content, err := files()
		if err != nil {
			return err
		}
		return os.WriteFile(rest[0], content, 0o600)
	case args[0] == "build" && len(rest) == 0:
		return s.build(out)
	case args[0] == "push" && len(rest) > 0:
		return s.push(ctx, rest, out)
	case args[0] == "attach" && len(rest) == 1:
		return s.attach(ctx, rest[0], out)
	}
	return errors.New(usage)
}

// time is that of the commit: of the image, and of the program in it.
func (s *settings) time() time.Time { return time.Unix(s.created, 0).UTC() }

// list returns the platforms as OS/ARCH.
func (s *settings) list() []string { return strings.Split(s.platforms, ",") }

// binary returns the file of the program that was compiled for the platform.
func (s *settings) binary(platform string) string {
	return filepath.Join(s.dist, strings.ReplaceAll(platform, "/", "-"), program)
}

// binaries returns the programs of all platforms.
func (s *settings) binaries() (files []string) {
	for _, platform := range s.list() {
		files = append(files, s.binary(platform))
	}
	return files
}
