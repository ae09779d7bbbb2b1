package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/endpoint"
	"github.com/flowlog-exporter/flowlog-exporter/bench/exporter"
)

// point is what a record costs and what the process takes at one size.
type point struct {
	X     float64
	Nanos float64 `json:"cpu_ns_per_record"`
	RSS   float64 `json:"max_rss_bytes"`
	Rate  float64 `json:"-"` // by the clock
}

// growth measures the cost of a record as there are more of something.
func (s *settings) growth(r *results) error {
	out, err := exec.Command(s.pipeline(), "-corpus", s.dir, "-grow", fmt.Sprint(s.grow)).Output()
	if err != nil {
		return err
	}
	for text := range strings.Lines(string(out)) {
		var p struct {
			Records float64
			point
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return err
		}
		p.X = p.Records
		r.ByRecords = append(r.ByRecords, p.point)
	}
	bodies, err := s.bodies(math.MaxInt)
	if err != nil {
		return err
	}
	shards, subnets := []int{1, 8, 50, 100, 250, 500}, []int{500, 5000, 50000}
	if s.quick {
		shards, subnets = []int{1, 100, 500}, []int{500, 50000}
	}
	for _, n := range shards {
		p, err := s.load(bodies, n, 500)
		if err != nil {
			return err
		}
		r.ByShards = append(r.ByShards, p)
	}
	for _, n := range subnets {
		p, err := s.load(bodies, fullLoad, n)
		if err != nil {
			return err
		}
		p.X = float64(n)
		r.BySubnets = append(r.BySubnets, p)
	}
	r.Loaded = r.BySubnets[0]
	return nil
}

const (
	// fullLoad is how many shards bring more than two cores can read.
	fullLoad = 100
	// allPages are read in all, shardPages by one shard at most: five a second.
	allPages   = 800
	shardPages = 40
)

// load lets the real program read so many shards, about the same number of
// records each time; a few shards cannot bring as many in the same time.
func (s *settings) load(bodies []*endpoint.Body, shards, subnets int) (point, error) {
	file := filepath.Join(s.dir, fmt.Sprintf("subnets-%d.txt", subnets))
	if err := s.writeSubnets(file, subnets); err != nil {
		return point{}, err
	}
	pages := max(1, min(allPages/shards, shardPages))
	if s.quick {
		pages = max(1, pages/4)
	}
	loaded, err := exporter.Load{Shards: shards, Pages: pages, PageBodies: readFull, SubnetsFile: file, Bodies: bodies}.Run(s.exporter())
	if err != nil {
		return point{}, err
	}
	return point{
		X: float64(shards), Nanos: 1e9 / loaded.Rate(), RSS: float64(loaded.PeakRSS),
		Rate: float64(loaded.Records) / loaded.Wall.Seconds(),
	}, nil
}

func (s *settings) writeSubnets(file string, n int) error {
	list, err := s.prefixes(n)
	if err != nil {
		return err
	}
	return exporter.WriteSubnets(file, list)
}

// bodies are envelopes of the corpus, so many at most, prepared for sending.
func (s *settings) bodies(most int) (list []*endpoint.Body, err error) {
	raw, err := corpus.Bodies(s.dir, corpus.KinesisV2)
	if err != nil {
		return nil, err
	}
	for _, data := range raw[:min(most, len(raw))] {
		b, err := endpoint.Prepare(data)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}
