package generate

// What the dashboards ask again and again.
const (
	job     = `job=~"$job"`
	subnets = job + `, vpc_id=~"$vpc_id", subnet=~"$subnet"`
	firing  = `ALERTS{alertname=~"Flowlog.*", alertstate="firing", ` + job + `}`
)

// rate is how much a second a counter rises, summed by labels.
func rate(by, counter, selector string) string {
	sum := "sum"
	if by != "" {
		sum = "sum by (" + by + ")"
	}
	return sum + " (rate(" + counter + "{" + selector + "}[$__rate_interval]))"
}

// named adds the name of the subnet to series with vpc_id and subnet.
func named(expr string) string {
	return expr + ` * on (vpc_id, subnet) group_left (name) max by (vpc_id, subnet, name) (flowlog_subnet_info{` + job + `})`
}

// bySubnet is the rate of a counter by subnet, with its name.
func bySubnet(counter, more string) string {
	return named(rate("vpc_id, subnet", counter, subnets+more))
}

// subnetLegend calls a series by the subnet's name and range.
const subnetLegend = "{{name}} {{subnet}}"

func lines(title, unit, description string, width int, queries ...query) panel {
	return panel{
		kind: "timeseries", title: title, unit: unit, description: description, width: width, height: 8, queries: queries,
		options: object{
			"legend":  object{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"mean", "max", "lastNotNull"}},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		},
		custom: object{"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 10, "showPoints": "auto", "spanNulls": false},
		more:   object{"min": 0},
	}
}

// stacked puts the series of a panel on each other.
func stacked(p panel) panel {
	p.custom["stacking"], p.custom["fillOpacity"] = object{"mode": "normal", "group": "A"}, 40
	return p
}

// own is a panel about the exporter itself, which changes with each scrape.
func own(p panel) panel {
	p.interval = "1m"
	return p
}

// figure is one number. Above warn it is yellow, above alarm red; both 0 is no judgement.
func figure(title, unit, description string, warn, alarm float64, expr string) panel {
	steps := []object{{"color": "green", "value": nil}}
	if alarm > 0 {
		steps = append(steps, object{"color": "yellow", "value": warn}, object{"color": "red", "value": alarm})
	}
	return panel{
		kind: "stat", title: title, unit: unit, description: description, width: 4, height: 4, queries: []query{{expr, ""}},
		options: object{
			"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		},
		more: object{"color": object{"mode": "thresholds"}, "thresholds": object{"mode": "absolute", "steps": steps}},
	}
}

func bars(title, unit, description string, width int, queries ...query) panel {
	return panel{
		kind: "bargauge", title: title, unit: unit, description: description, width: width, height: 8, queries: queries,
		options: object{
			"displayMode": "basic", "orientation": "horizontal", "showUnfilled": true, "valueMode": "color", "namePlacement": "auto", "sizing": "auto",
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		},
		more: object{"min": 0},
	}
}

// table shows the labels of the series as of now, without those of no interest.
func table(title, description string, width int, expr string, without ...string) panel {
	hidden := object{"Time": true, "__name__": true}
	for _, w := range without {
		hidden[w] = true
	}
	return panel{
		kind: "table", title: title, description: description, width: width, height: 8, queries: []query{{expr, ""}},
		options:         object{"showHeader": true, "cellHeight": "sm", "footer": object{"show": false}},
		transformations: []map[string]any{{"id": "organize", "options": object{"excludeByName": hidden}}},
	}
}

// heat shows series as rows, or with buckets a histogram.
func heat(title, unit, description string, width int, buckets bool, q query) panel {
	return panel{
		kind: "heatmap", title: title, description: description, width: width, height: 8, queries: []query{q}, buckets: buckets,
		options: object{
			"calculate": false, "cellGap": 1, "color": object{"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange", "reverse": false, "scale": "exponential"},
			"yAxis": object{"axisPlacement": "left", "unit": unit}, "legend": object{"show": true}, "tooltip": object{"mode": "single", "yHistogram": false},
			"rowsFrame": object{"layout": "auto"}, "showValue": "never", "filterValues": object{"le": 1e-9}, "exemplars": object{"color": "rgba(255,0,255,0.7)"},
		},
		custom: object{"scaleDistribution": object{"type": "linear"}, "hideFrom": object{"legend": false, "tooltip": false, "viz": false}},
	}
}

// states shows when series that are 0 or 1 were which.
func states(title, description string, width int, zero, one [2]string, q query) panel {
	return panel{
		kind: "state-timeline", title: title, description: description, width: width, height: 8, queries: []query{q},
		options: object{
			"mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
			"legend": object{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": object{"mode": "single", "sort": "none"},
		},
		custom: object{"fillOpacity": 70, "lineWidth": 0},
		more: object{"mappings": []object{{"type": "value", "options": object{
			"0": object{"index": 0, "text": zero[0], "color": zero[1]}, "1": object{"index": 1, "text": one[0], "color": one[1]},
		}}}},
	}
}
