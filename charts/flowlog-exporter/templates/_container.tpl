{{/* Where things are in the container. */}}
{{- define "flowlog.statePath" -}}/var/lib/flowlog-exporter{{- end -}}
{{- define "flowlog.filesPath" -}}/etc/flowlog-exporter/files{{- end -}}
{{- define "flowlog.webPath" -}}/etc/flowlog-exporter/web{{- end -}}
{{- define "flowlog.keysPath" -}}/etc/flowlog-exporter/firehose-keys{{- end -}}
{{- define "flowlog.tlsPath" -}}/etc/flowlog-exporter/firehose-tls{{- end -}}

{{/* A flag for a value that is not empty; takes {name, value}. */}}
{{- define "flowlog.flag" -}}
{{- if and (not (kindIs "invalid" .value)) (ne (toString .value) "") }}
- {{ printf "--%s=%v" .name .value | quote }}
{{- end }}
{{- end -}}

{{- define "flowlog.args" -}}
{{- $v := .Values -}}
{{- if $v.demo.enabled }}
- demo
{{- include "flowlog.flag" (dict "name" "rate" "value" (int64 $v.demo.rate)) }}
{{- else }}
{{- if $v.config }}
{{- include "flowlog.flag" (dict "name" "config.file" "value" (printf "%s/config.yml" (include "flowlog.filesPath" .))) }}
{{- end }}
{{- include "flowlog.inputArgs" . }}
{{- include "flowlog.flag" (dict "name" "aws.region" "value" $v.aws.region) }}
{{- include "flowlog.flag" (dict "name" "aws.assume-role" "value" $v.aws.assumeRole) }}
{{- include "flowlog.flag" (dict "name" "aws.endpoint-url" "value" $v.aws.endpointUrl) }}
{{- include "flowlog.flag" (dict "name" "format" "value" $v.format) }}
{{- include "flowlog.flag" (dict "name" "subnets.refresh" "value" $v.subnets.refresh) }}
{{- if $v.subnets.file }}
{{- include "flowlog.flag" (dict "name" "subnets.file" "value" (printf "%s/subnets.txt" (include "flowlog.filesPath" .))) }}
{{- end }}
{{- include "flowlog.flag" (dict "name" "state.path" "value" (include "flowlog.statePath" .)) }}
{{- include "flowlog.flag" (dict "name" "state.commit-interval" "value" $v.state.commitInterval) }}
{{- end }}
{{- include "flowlog.flag" (dict "name" "deny-log.output" "value" $v.denyLog.output) }}
{{- include "flowlog.flag" (dict "name" "deny-log.format" "value" $v.denyLog.format) }}
{{- if not (kindIs "invalid" $v.denyLog.rate) }}
{{- include "flowlog.flag" (dict "name" "deny-log.rate" "value" (int64 $v.denyLog.rate)) }}
{{- end }}
{{- include "flowlog.flag" (dict "name" "web.listen-address" "value" (printf ":%v" $v.web.port)) }}
{{- include "flowlog.flag" (dict "name" "web.telemetry-path" "value" $v.web.telemetryPath) }}
{{- if $v.web.existingSecret }}
{{- include "flowlog.flag" (dict "name" "web.config.file" "value" (printf "%s/%s" (include "flowlog.webPath" .) $v.web.key)) }}
{{- end }}
{{- include "flowlog.flag" (dict "name" "log.level" "value" $v.log.level) }}
{{- include "flowlog.flag" (dict "name" "log.format" "value" $v.log.format) }}
{{- range $v.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "flowlog.inputArgs" -}}
{{- $v := .Values -}}
{{- include "flowlog.flag" (dict "name" "kinesis.stream" "value" $v.kinesis.stream) }}
{{- include "flowlog.flag" (dict "name" "kinesis.start" "value" $v.kinesis.start) }}
{{- include "flowlog.flag" (dict "name" "s3.queue-url" "value" $v.s3.queueUrl) }}
{{- range $v.s3.allow }}
{{- include "flowlog.flag" (dict "name" "s3.allow" "value" .) }}
{{- end }}
{{- if $v.firehose.enabled }}
{{- include "flowlog.flag" (dict "name" "firehose.listen" "value" (printf ":%v" $v.firehose.port)) }}
{{- if $v.firehose.insecureNoKey }}
- --firehose.insecure-no-key
{{- else }}
{{- include "flowlog.flag" (dict "name" "firehose.access-key-file" "value" (printf "%s/%s" (include "flowlog.keysPath" .) $v.firehose.accessKey.key)) }}
{{- end }}
{{- range $v.firehose.sourceArns }}
{{- include "flowlog.flag" (dict "name" "firehose.source-arn" "value" .) }}
{{- end }}
{{- if $v.firehose.tls.existingSecret }}
{{- include "flowlog.flag" (dict "name" "firehose.web-config-file" "value" (printf "%s/firehose-web.yml" (include "flowlog.filesPath" .))) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The files of the ConfigMap, as name: text; empty when there are none. */}}
{{- define "flowlog.files" -}}
{{- with .Values.config }}
config.yml: {{ toYaml . | quote }}
{{- end }}
{{- with .Values.subnets.file }}
subnets.txt: {{ . | quote }}
{{- end }}
{{- if and .Values.firehose.enabled .Values.firehose.tls.existingSecret }}
{{- $tls := include "flowlog.tlsPath" . }}
firehose-web.yml: |
  tls_server_config:
    cert_file: {{ $tls }}/tls.crt
    key_file: {{ $tls }}/tls.key
{{- end }}
{{- end -}}

{{/* Volumes but for the state, as a list of {volume, path}. */}}
{{- define "flowlog.volumes" -}}
{{- $v := .Values -}}
{{- if include "flowlog.files" . }}
- path: {{ include "flowlog.filesPath" . }}
  volume: {name: files, configMap: {name: {{ include "flowlog.fullname" . }}}}
{{- end }}
{{- with $v.web.existingSecret }}
- path: {{ include "flowlog.webPath" $ }}
  volume: {name: web, secret: {secretName: {{ . | quote }}, defaultMode: 0440}}
{{- end }}
{{- if $v.firehose.enabled }}
{{- with $v.firehose.accessKey.existingSecret }}
- path: {{ include "flowlog.keysPath" $ }}
  volume: {name: firehose-keys, secret: {secretName: {{ . | quote }}, defaultMode: 0440}}
{{- end }}
{{- with $v.firehose.tls.existingSecret }}
- path: {{ include "flowlog.tlsPath" $ }}
  volume: {name: firehose-tls, secret: {secretName: {{ . | quote }}, defaultMode: 0440}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "flowlog.env" -}}
- {name: GOMAXPROCS, value: {{ .Values.processors | quote }}}
- {name: GOMEMLIMIT, value: {{ include "flowlog.goMemoryLimit" . }}}
{{- with .Values.aws.existingSecret }}
{{- if .name }}
- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .accessKeyId | quote }}}}}
- {name: AWS_SECRET_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .secretAccessKey | quote }}}}}
{{- if .sessionToken }}
- {name: AWS_SESSION_TOKEN, valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .sessionToken | quote }}}}}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A probe of a path; takes {root, path, more}, of which more wins. */}}
{{- define "flowlog.probe" -}}
{{- $probe := dict "periodSeconds" 10 "timeoutSeconds" 5 -}}
{{- if .root.Values.web.auth -}}
{{- $_ := set $probe "tcpSocket" (dict "port" "http") -}}
{{- else -}}
{{- $_ := set $probe "httpGet" (dict "port" "http" "path" .path "scheme" (ternary "HTTPS" "HTTP" .root.Values.web.tls)) -}}
{{- end -}}
{{- if or (hasKey .more "httpGet") (hasKey .more "tcpSocket") (hasKey .more "exec") (hasKey .more "grpc") -}}
{{- $probe = omit $probe "httpGet" "tcpSocket" -}}
{{- end -}}
{{- toYaml (merge (deepCopy .more) .defaults $probe) -}}
{{- end -}}
