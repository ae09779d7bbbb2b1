package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// inventory is the SBOM of the programs in CycloneDX's JSON: what the linker
// wrote into them, as `go version -m` shows it.
func (s *settings) inventory() ([]byte, error) {
	parts := map[string]cdx.Component{}
	for _, file := range s.binaries() {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			return nil, err
		}
		std := component("std", strings.TrimPrefix(info.GoVersion, "go"), "")
		parts[std.BOMRef] = std
		for _, module := range info.Deps {
			if module.Replace != nil {
				module = module.Replace
			}
			c := component(module.Path, module.Version, module.Sum)
			parts[c.BOMRef] = c
		}
	}
	sorted := slices.SortedFunc(maps.Values(parts), func(a, b cdx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	whole := component(strings.TrimPrefix(home, "https://"), s.version, "")
	whole.Type = cdx.ComponentTypeApplication
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Timestamp: s.time().Format(time.RFC3339), Component: &whole}
	bom.Components = &sorted
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// component describes a module. A sum of Go, h1, is a SHA-256 over the names and
// hashes of its files, and is written as CycloneDX's own tool for Go writes it.
func component(path, version, sum string) cdx.Component {
	purl := fmt.Sprintf("pkg:golang/%s@%s", path, version)
	c := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: purl}
	if hash, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && len(hash) > 0 {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(hash)}}
	}
	return c
}
