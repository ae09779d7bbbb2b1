package command

import (
	"context"
	"slices"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/monitoring"
)

func settleDashboard(_ *settings, rest []string) error {
	names := monitoring.Dashboards()
	switch {
	case len(rest) > 1:
		return usagef("one dashboard at a time: %s", strings.Join(names, ", "))
	case len(rest) == 1 && !slices.Contains(names, rest[0]):
		return usagef("no dashboard is called %q; there are %s", rest[0], strings.Join(names, ", "))
	}
	return nil
}

// printDashboard prints a dashboard, or the names of all.
func printDashboard(_ context.Context, p *program, _ *settings, rest []string) error {
	text := []byte(strings.Join(monitoring.Dashboards(), "\n") + "\n")
	if len(rest) == 1 {
		text, _ = monitoring.Dashboard(rest[0])
	}
	_, err := p.stdout.Write(text)
	return err
}

func settleAlerts(_ *settings, rest []string) error {
	if len(rest) == 0 || slices.Equal(rest, []string{"replicas"}) {
		return nil
	}
	return usagef("no rules are called %q; there are those of alerts, and replicas", strings.Join(rest, " "))
}

// printAlerts prints the rules that alert, or those that add replicas up.
func printAlerts(_ context.Context, p *program, _ *settings, rest []string) error {
	text := monitoring.Alerts()
	if len(rest) > 0 {
		text = monitoring.Replicas()
	}
	_, err := p.stdout.Write(text)
	return err
}
