package generate

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the dashboards")

// TestDashboards compares the files with what they are made of.
func TestDashboards(t *testing.T) {
	var names []string
	for _, d := range dashboards {
		want, err := d.encode()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("..", "dashboards", d.name+".json")
		names = append(names, file)
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what it is made of (%v): run go test ./monitoring/generate -update", file, err)
		}
	}
	files, err := filepath.Glob("../dashboards/*")
	slices.Sort(names)
	if err != nil || !slices.Equal(files, names) {
		t.Errorf("there are %v, made are %v (%v)", files, names, err)
	}
}

// kinds are the panels that Grafana does not call deprecated, and units those of
// its list that are used here.
var (
	kinds = []string{"row", "timeseries", "stat", "table", "bargauge", "heatmap", "state-timeline"}
	units = []string{"", "none", "Bps", "bytes", "cps", "pps", "reqps", "s", "percentunit"}
)

// shape is as much of a dashboard as Grafana fails on without a word.
type shape struct {
	UID, Title    string
	ID            *int
	SchemaVersion int
	Panels        []struct {
		ID                       int
		Type, Title, Description string
		Interval                 string
		GridPos                  struct{ X, Y, W, H int }
		Datasource               struct{ Type, UID string }
		Targets                  []struct{ RefID, Expr string }
		FieldConfig              struct{ Defaults struct{ Unit string } }
	}
	Templating struct{ List []struct{ Name, Type string } }
	Links      []struct {
		Tags        []string
		IncludeVars bool
	}
	Tags        []string
	Annotations struct{ List []struct{ Expr string } }
}

// TestShape checks each file for what Grafana needs.
func TestShape(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range dashboards {
		t.Run(d.name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "dashboards", d.name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var s shape
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			if s.ID != nil || s.UID == "" || len(s.UID) > 40 || uids[s.UID] || s.SchemaVersion < 39 {
				t.Errorf("id %v, uid %q, schema %d: a dashboard in a file has no id, a uid of its own and a schema of today", s.ID, s.UID, s.SchemaVersion)
			}
			uids[s.UID] = true
			if len(s.Links) != 1 || !slices.Contains(s.Tags, s.Links[0].Tags[0]) || !s.Links[0].IncludeVars {
				t.Errorf("the links %+v do not lead to dashboards tagged as this one is", s.Links)
			}
			if last := s.Annotations.List[len(s.Annotations.List)-1]; !strings.HasPrefix(last.Expr, "ALERTS{") {
				t.Errorf("alerts are not shown, but %q", last.Expr)
			}
			s.checkPanels(t)
			s.checkVariables(t, string(text))
		})
	}
}

func (s *shape) checkPanels(t *testing.T) {
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range s.Panels {
		if ids[p.ID] || !slices.Contains(kinds, p.Type) || p.Title == "" || !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
			t.Errorf("panel %d, %q: kind %q or unit %q is none, or the number is taken", p.ID, p.Title, p.Type, p.FieldConfig.Defaults.Unit)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x > 23 {
					t.Fatalf("%q lies on %q, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" || p.Interval == "" {
			t.Errorf("%q has no description, query, interval or the wrong data source", p.Title)
		}
		for _, q := range p.Targets {
			if strings.Contains(q.Expr, "rate(flowlog_received") && p.Interval != flowLogStep {
				t.Errorf("%q asks for traffic at steps of %s", p.Title, p.Interval)
			}
		}
	}
}

func (s *shape) checkVariables(t *testing.T, text string) {
	known := map[string]bool{"__rate_interval": true, "__all": true}
	for _, v := range s.Templating.List {
		known[v.Name] = true
		if v.Name != "datasource" && !strings.Contains(text, `=~\"$`+v.Name+`\"`) {
			t.Errorf("the variable %s changes nothing", v.Name)
		}
	}
	for _, word := range strings.Split(text, "$")[1:] {
		word = strings.TrimPrefix(word, "{")
		end := strings.IndexFunc(word, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
		if !known[word[:end]] {
			t.Errorf("$%s is no variable of this dashboard", word[:end])
		}
	}
}
