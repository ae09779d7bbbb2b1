// Package monitoring holds the Grafana dashboards and the rules for Prometheus,
// so that the program can print them.
package monitoring

import (
	"embed"
	"path"
	"strings"
)

//go:embed alerts.yaml replicas.yaml dashboards/*.json
var files embed.FS

// Alerts are the alert rules, and the recording rules that they need.
func Alerts() []byte { return read("alerts.yaml") }

// Replicas are the recording rules that add replicas up.
func Replicas() []byte { return read("replicas.yaml") }

// Dashboards returns the names of the dashboards in alphabetical order.
func Dashboards() (names []string) {
	entries, err := files.ReadDir("dashboards")
	if err != nil {
		panic(err) // it is in the binary, or that does not build
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	return names
}

// Dashboard returns a dashboard as JSON; ok is false when none has the name.
func Dashboard(name string) (text []byte, ok bool) {
	text, err := files.ReadFile(path.Join("dashboards", name+".json"))
	return text, err == nil
}

func read(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is in the binary, or that does not build
	}
	return text
}
