{{/*
The most memory that the process takes, in MiB, as docs/limits.md has it: once, each
processor, each thousand subnets, and the deliveries of Firehose.
*/}}
{{- define "flowlog.mostMemory" -}}
{{- $once := 192 -}}
{{- $processor := 192 -}}
{{- $thousandSubnets := 32 -}}
{{- $firehose := 384 -}}
{{- $thousands := div (add (int64 .Values.maxSubnets) 999) 1000 -}}
{{- $most := add $once (mul $processor (int64 .Values.processors)) (mul $thousandSubnets $thousands) -}}
{{- if .Values.firehose.enabled }}{{ $most = add $most $firehose }}{{ end -}}
{{- $most -}}
{{- end -}}

{{- define "flowlog.memoryLimit" -}}
{{- $limit := (.Values.resources.limits | default dict).memory -}}
{{- if kindIs "invalid" $limit -}}
{{- include "flowlog.mostMemory" . }}Mi
{{- else if kindIs "string" $limit -}}
{{- $limit -}}
{{- else -}}
{{- int64 $limit -}}
{{- end -}}
{{- end -}}

{{/* Four fifths of the limit, in whole MiB: Go collects its garbage before the kernel ends the process. */}}
{{- define "flowlog.goMemoryLimit" -}}
{{- $limit := include "flowlog.memoryLimit" . -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "" 1 -}}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?([KMGT]i|[kMGT])?$" $limit) -}}
{{- fail (printf "resources.limits.memory: %q is no size that GOMEMLIMIT can be made of; write it as 608Mi" $limit) -}}
{{- end -}}
{{- $number := regexFind "^[0-9.]+" $limit -}}
{{- $unit := get $units (trimPrefix $number $limit) -}}
{{- printf "%dMiB" (divf (mulf (float64 $number) $unit 0.8) 1048576 | floor | int64) -}}
{{- end -}}

{{- define "flowlog.resources" -}}
{{- $limits := set (deepCopy (.Values.resources.limits | default dict)) "memory" (include "flowlog.memoryLimit" .) -}}
{{- toYaml (set (deepCopy .Values.resources) "limits" $limits) -}}
{{- end -}}
