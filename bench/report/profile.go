package main

import (
	"cmp"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// share is the part of the CPU time that one room takes.
type share struct {
	Room      string
	Part      float64 // 0 to 1
	Functions []part  // the largest, by their own time
}

type part struct {
	Name string
	Part float64
}

// rooms are told by the first function, from the innermost outwards, whose name
// holds one of the words: what the runtime does belongs to who called for it.
var rooms = []struct {
	name  string
	words []string
}{
	{"crc", []string{"hash/crc32."}},
	{"inflate", []string{"internal/inflate.", "klauspost/compress/", "flowlog.(*inflater)", "flowlog.readAll"}},
	{"ledger and deliveries", []string{"internal/ledger.", "pipeline.(*Window)", "pipeline.(*Deliveries)", "bench/way.(*anew)", "crypto/"}},
	{"place", []string{"internal/vpc.", "bart.", "bench/way.(*locator)"}},
	{"count", []string{"internal/traffic.", "internal/pipeline."}},
	{"envelope and line", []string{"internal/flowlog."}},
}

const other = "other"

// profile says where the time of the way goes.
func (s *settings) profile(r *results) error {
	file := filepath.Join(s.dir, "cpu.pprof")
	if out, err := exec.Command(s.pipeline(), "-corpus", s.dir, "-cpuprofile", file, "-passes", "20").CombinedOutput(); err != nil {
		return &commandError{out, err}
	}
	out, err := exec.Command("go", "tool", "pprof", "-traces", s.pipeline(), file).CombinedOutput()
	if err != nil {
		return &commandError{out, err}
	}
	r.Profile = shares(string(out))
	return nil
}

// commandError adds what a command said.
type commandError struct {
	out []byte
	err error
}

func (e *commandError) Error() string { return e.err.Error() + "\n" + string(e.out) }

// shares adds up what `go tool pprof -traces` prints: stacks between dashed
// lines, the innermost function first with the time of the whole stack.
func shares(traces string) (list []share) {
	byRoom := map[string]map[string]time.Duration{}
	var total time.Duration
	_, traces, _ = strings.Cut(traces, "-----------+")
	for stack := range strings.SplitSeq(traces, "-----------+") {
		lines := strings.Split(stack, "\n")
		if len(lines) < 2 {
			continue
		}
		word, leaf, _ := strings.Cut(strings.TrimSpace(lines[1]), " ")
		spent, err := time.ParseDuration(word)
		if err != nil {
			continue
		}
		room := roomOf(append([]string{leaf}, lines[2:]...))
		if byRoom[room] == nil {
			byRoom[room] = map[string]time.Duration{}
		}
		byRoom[room][short(leaf)] += spent
		total += spent
	}
	for room, functions := range byRoom {
		list = append(list, shareOf(room, functions, total))
	}
	slices.SortFunc(list, func(a, b share) int { return cmp.Compare(b.Part, a.Part) })
	return list
}

func roomOf(stack []string) string {
	for _, function := range stack {
		for _, room := range rooms {
			for _, word := range room.words {
				if strings.Contains(function, word) {
					return room.name
				}
			}
		}
	}
	return other
}

// topFunctions is how many functions of a room are told.
const topFunctions = 4

func shareOf(room string, functions map[string]time.Duration, total time.Duration) share {
	s := share{Room: room}
	for name, spent := range functions {
		p := spent.Seconds() / total.Seconds()
		s.Part += p
		s.Functions = append(s.Functions, part{name, p})
	}
	slices.SortFunc(s.Functions, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.Part, a.Part), cmp.Compare(a.Name, b.Name))
	})
	s.Functions = s.Functions[:min(len(s.Functions), topFunctions)]
	return s
}

// short is a function's name without the path of its package.
func short(name string) string {
	name = strings.TrimSuffix(strings.TrimSpace(name), " (inline)")
	return name[strings.LastIndexByte(name, '/')+1:]
}
