// Package generate writes the Grafana dashboards of monitoring/dashboards: what
// is on them is said here once, and the files are made of it.
//
//	go test ./monitoring/generate -update
package generate

import "encoding/json"

// dashboard is what is said of a dashboard; the rest is the same for all.
type dashboard struct {
	name, title, description string
	subnets                  bool // has the variables vpc_id and subnet
	rows                     []row
}

// row is a heading and its panels. They flow from left to right, 24 columns wide.
type row struct {
	title  string
	panels []panel
}

// panel is one panel. The kinds are those of Grafana that are not deprecated.
type panel struct {
	kind, title, description string
	unit                     string
	width, height            int
	interval                 string // the least step; "" is that of flow logs
	queries                  []query
	buckets                  bool // the series are those of a histogram
	options                  map[string]any
	custom                   map[string]any // of the fields
	more                     map[string]any // field defaults: thresholds, mappings and bounds
	transformations          []map[string]any
}

// query is PromQL and what its series are called.
type query struct{ expr, legend string }

// flowLogStep is the least step of panels about traffic. AWS aggregates up to 10
// minutes, so that a shorter range may hold no delivery of an interface at all;
// $__rate_interval is the step and a scrape interval.
const flowLogStep = "15m"

type object = map[string]any

var source = object{"type": "prometheus", "uid": "${datasource}"}

// encode returns the dashboard as Grafana reads it from a file.
func (d *dashboard) encode() ([]byte, error) {
	b, err := json.MarshalIndent(object{
		"annotations": object{"list": []object{builtIn(), alerts()}},
		"description": d.description, "editable": true, "fiscalYearStartMonth": 0, "graphTooltip": 1, "id": nil,
		"links": []object{{
			"type": "dashboards", "title": "flowlog-exporter", "tags": []string{"flowlog-exporter"}, "asDropdown": false,
			"includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link", "tooltip": "", "url": "",
		}},
		"panels": d.panels(), "refresh": "1m", "schemaVersion": 41, "tags": []string{"flowlog-exporter", "aws", "vpc"},
		"templating": object{"list": d.variables()}, "time": object{"from": "now-6h", "to": "now"}, "timepicker": object{},
		"timezone": "browser", "title": "Flow logs / " + d.title, "uid": "flowlog-exporter-" + d.name, "version": 1, "weekStart": "",
	}, "", "  ")
	return append(b, '\n'), err
}

// panels places the panels of all rows.
func (d *dashboard) panels() []object {
	var all []object
	y := 0
	for _, r := range d.rows {
		all = append(all, object{
			"type": "row", "id": len(all) + 1, "title": r.title, "collapsed": false, "panels": []object{},
			"gridPos": object{"x": 0, "y": y, "w": 24, "h": 1},
		})
		y++
		x, tallest := 0, 0
		for _, p := range r.panels {
			if x+p.width > 24 {
				x, y, tallest = 0, y+tallest, 0
			}
			all = append(all, p.encode(len(all)+1, x, y))
			x, tallest = x+p.width, max(tallest, p.height)
		}
		y += tallest
	}
	return all
}

func (p *panel) encode(id, x, y int) object {
	interval := p.interval
	if interval == "" {
		interval = flowLogStep
	}
	var targets []object
	for i, q := range p.queries {
		targets = append(targets, p.target(string(rune('A'+i)), q))
	}
	defaults := object{"unit": p.unit, "color": object{"mode": "palette-classic"}, "custom": p.custom}
	for k, v := range p.more {
		defaults[k] = v
	}
	if p.custom == nil {
		defaults["custom"] = object{}
	}
	o := object{
		"type": p.kind, "id": id, "title": p.title, "description": p.description, "datasource": source, "interval": interval,
		"gridPos": object{"x": x, "y": y, "w": p.width, "h": p.height}, "targets": targets,
		"fieldConfig": object{"defaults": defaults, "overrides": []object{}}, "options": p.options,
	}
	if p.transformations != nil {
		o["transformations"] = p.transformations
	}
	return o
}

func (p *panel) target(id string, q query) object {
	o := object{"refId": id, "datasource": source, "editorMode": "code", "expr": q.expr, "legendFormat": q.legend, "range": true, "instant": false}
	switch p.kind {
	case "table":
		o["range"], o["instant"], o["format"] = false, true, "table"
	case "stat", "bargauge":
		o["range"], o["instant"] = false, true
	case "heatmap":
		if p.buckets {
			o["format"] = "heatmap"
		}
	}
	return o
}

// variables are what a dashboard can be narrowed down to.
func (d *dashboard) variables() []object {
	all := []object{{
		"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1, "regex": "",
		"current": object{}, "hide": 0, "includeAll": false, "multi": false, "options": []object{},
	}, variable("job", "Job", "label_values(flowlog_exporter_build_info, job)")}
	if d.subnets {
		all = append(all,
			variable("vpc_id", "VPC", `label_values(flowlog_subnet_info{job=~"$job"}, vpc_id)`),
			variable("subnet", "Subnet", `label_values(flowlog_subnet_info{job=~"$job", vpc_id=~"$vpc_id"}, subnet)`))
	}
	return all
}

func variable(name, label, query string) object {
	return object{
		"type": "query", "name": name, "label": label, "datasource": source, "definition": query,
		"query": object{"qryType": 1, "query": query, "refId": "variable"}, "refresh": 2, "regex": "", "sort": 1, "hide": 0,
		"includeAll": true, "allValue": ".*", "multi": true, "options": []object{},
		"current": object{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}},
	}
}

func builtIn() object {
	return object{
		"builtIn": 1, "datasource": object{"type": "grafana", "uid": "-- Grafana --"}, "enable": true, "hide": true,
		"iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard",
	}
}

func alerts() object {
	return object{
		"datasource": source, "enable": true, "hide": false, "iconColor": "red", "name": "Alerts", "expr": firing, "step": "60s",
		"titleFormat": "{{alertname}}", "textFormat": "{{subnet}} {{direction}} {{source}}", "tagKeys": "severity", "useValueForTime": false,
	}
}
