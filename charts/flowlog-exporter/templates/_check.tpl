{{/* What no schema can see. Each sentence says the remedy. */}}
{{- define "flowlog.check" -}}
{{- $v := .Values -}}
{{- $inputs := $v.config.inputs | default list -}}
{{- $kinesis := ne $v.kinesis.stream "" -}}
{{- range $inputs }}{{ if and (kindIs "map" .) (hasKey . "kinesis") }}{{ $kinesis = true }}{{ end }}{{ end -}}
{{- if not (or $v.demo.enabled $kinesis $v.s3.queueUrl $v.firehose.enabled $inputs $v.extraArgs) -}}
{{- fail "nothing to read: set kinesis.stream, s3.queueUrl, firehose.enabled or config.inputs; demo.enabled shows it without AWS" -}}
{{- end -}}
{{- if gt (int64 $v.replicaCount) 1 -}}
{{- if or $kinesis $v.demo.enabled -}}
{{- fail "replicaCount is more than 1, but each replica reads all of a Kinesis stream, so that sums over them would be wrong: make one release per stream" -}}
{{- end -}}
{{- if $v.state.persistence.existingClaim -}}
{{- fail "replicaCount is more than 1, but state.persistence.existingClaim is one volume, and each replica needs its own state" -}}
{{- end -}}
{{- end -}}
{{- if $v.firehose.enabled -}}
{{- if and (not $v.firehose.insecureNoKey) (not $v.firehose.accessKey.existingSecret) -}}
{{- fail "firehose.enabled needs firehose.accessKey.existingSecret, for else whoever reaches it can count what he likes; firehose.insecureNoKey says that this is meant" -}}
{{- end -}}
{{- if and $v.firehose.insecureNoKey $v.firehose.accessKey.existingSecret -}}
{{- fail "firehose.insecureNoKey and firehose.accessKey.existingSecret are both set; keep one" -}}
{{- end -}}
{{- if eq (int64 $v.firehose.port) (int64 $v.web.port) -}}
{{- fail "firehose.port and web.port are the same; deliveries need a port of their own" -}}
{{- end -}}
{{- else if $v.firehose.ingress.enabled -}}
{{- fail "firehose.ingress.enabled is set without firehose.enabled" -}}
{{- end -}}
{{- if and $v.state.persistence.existingClaim (not $v.state.persistence.enabled) -}}
{{- fail "state.persistence.existingClaim is set, but state.persistence.enabled is not: keep one" -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled are both set, which would scrape each pod twice; keep one" -}}
{{- end -}}
{{- if and $v.serviceAccount.roleArn (not $v.serviceAccount.create) -}}
{{- fail "serviceAccount.roleArn is set, but serviceAccount.create is not: annotate the service account yourself" -}}
{{- end -}}
{{- end -}}
