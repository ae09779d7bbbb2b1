{{/* Spec of a ServiceMonitor or PodMonitor but for its endpoints' list; takes {root, monitor}. */}}
{{- define "flowlog.endpoint" -}}
{{- $tls := .root.Values.web.tls -}}
{{- $instance := dict "action" "replace" "sourceLabels" (list "__meta_kubernetes_pod_name") "targetLabel" "instance" -}}
{{- $endpoint := dict "port" "http" "path" .root.Values.web.telemetryPath "scheme" (ternary "https" "http" $tls) -}}
{{- with .monitor.interval }}{{ $_ := set $endpoint "interval" . }}{{ end -}}
{{- with .monitor.scrapeTimeout }}{{ $_ := set $endpoint "scrapeTimeout" . }}{{ end -}}
{{- $relabelings := prepend (.monitor.endpoint.relabelings | default list) $instance -}}
{{- toYaml (merge (dict "relabelings" $relabelings) .monitor.endpoint $endpoint) -}}
{{- end -}}
