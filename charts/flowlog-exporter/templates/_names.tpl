{{/*
Names and labels. A StatefulSet's name ends up in a label with a hash of ten
characters behind it, and the service of Firehose adds nine: 52 leave room for both.
*/}}
{{- define "flowlog.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "flowlog.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "flowlog.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "flowlog.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "flowlog.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "flowlog.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "flowlog.selector" -}}
app.kubernetes.io/name: {{ include "flowlog.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The pod of helm test is none of those that the selector means. */}}
{{- define "flowlog.testSelector" -}}
app.kubernetes.io/name: {{ include "flowlog.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of an object: takes {root, selector, labels}; of the same label the first counts. */}}
{{- define "flowlog.labels" -}}
{{- $about := dict
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" (.root.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/part-of" "flowlog-exporter" -}}
{{- $selector := include (default "flowlog.selector" .selector) .root | fromYaml -}}
{{- toYaml (merge $selector (.labels | default dict) .root.Values.commonLabels $about) -}}
{{- end -}}

{{/*
metadata of an object; takes {root, name, namespace, labels, annotations}. Without a
namespace of its own it goes where the release goes.
*/}}
{{- define "flowlog.metadata" -}}
name: {{ default (include "flowlog.fullname" .root) .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "flowlog.labels" (dict "root" .root "labels" .labels) | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Name of an image; takes the image's values and the tag that it has by default. */}}
{{- define "flowlog.image" -}}
{{- with .image.registry }}{{ . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ default .tag .image.tag }}{{ end -}}
{{- end -}}
