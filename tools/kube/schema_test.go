package kube

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// open are the values whose fields are Kubernetes' or free to name.
var open = map[string]bool{
	"commonLabels": true, "config": true, "podAnnotations": true, "podLabels": true, "podSecurityContext": true, "securityContext": true,
	"livenessProbe": true, "readinessProbe": true, "nodeSelector": true, "affinity": true, "resources.requests": true, "resources.limits": true,
	"dashboards.labels": true, "serviceMonitor.endpoint": true, "podMonitor.endpoint": true,
}

func isOpen(path string) bool {
	return open[path] || strings.HasSuffix(path, ".annotations") || strings.HasSuffix(path, ".labels")
}

// TestMisspeltValues: a value that is not known is refused at every level of ours.
func TestMisspeltValues(t *testing.T) {
	levels := []string{""}
	var walk func(prefix string, values map[string]any)
	walk = func(prefix string, values map[string]any) {
		for key, value := range values {
			if inner, ok := value.(map[string]any); ok && !isOpen(prefix+key) {
				levels = append(levels, prefix+key+".")
				walk(prefix+key+".", inner)
			}
		}
	}
	walk("", loadChart(t).Values)
	if len(levels) < 25 {
		t.Fatalf("only %d levels are found in the values: %v", len(levels), levels)
	}
	for _, level := range levels {
		t.Run("at "+level, func(t *testing.T) { refused(t, nested(level+"misspelt", "x"), "'misspelt' not allowed") })
	}
}

// nested makes values of a dotted path.
func nested(path string, value any) map[string]any {
	key, rest, more := strings.Cut(path, ".")
	if more {
		value = nested(rest, value)
	}
	return map[string]any{key: value}
}

// refused renders values that have to be refused, with an error that says why.
func refused(t *testing.T, values map[string]any, why string) {
	t.Helper()
	_, err := tryRender(t, values)
	if err == nil {
		t.Fatal("the values are taken")
	}
	if !strings.Contains(err.Error(), why) {
		t.Errorf("the error does not say %q: %v", why, err)
	}
}

func TestWrongValues(t *testing.T) {
	for text, why := range map[string]string{
		"kinesis: {streem: a}":                              "'streem' not allowed",
		"serviceMonitor: {enable: true}":                    "'enable' not allowed",
		"state: {persistence: {storageclassname: gp3}}":     "'storageclassname' not allowed",
		"serviceAccount: {rolearn: a}":                      "'rolearn' not allowed",
		"imagePullSecrets: [registry]":                      "want object",
		"imagePullSecrets: [{nam: registry}]":               "'nam' not allowed",
		"firehose: {ingress: {tls: [{secret: a}]}}":         "'secret' not allowed",
		"firehose: {ingress: {enabled: true, hosts: []}}":   "minItems",
		"firehose: {sourceArns: [vpc-flow-logs]}":           "pattern",
		"replicaCount: two":                                 "want integer",
		"replicaCount: -1":                                  "minimum",
		"image: {tag: 1.2}":                                 "want string",
		"image: {digest: latest}":                           "pattern",
		"web: {port: 70000}":                                "maximum",
		"web: {telemetryPath: metrics}":                     "pattern",
		"aws: {region: Ireland}":                            "pattern",
		"serviceAccount: {roleArn: flowlog-exporter}":       "pattern",
		"kinesis: {start: yesterday}":                       "pattern",
		"s3: {queueUrl: flow-logs}":                         "pattern",
		"state: {persistence: {accessMode: ReadWriteMany}}": "must be one of",
		"state: {persistence: {size: big}}":                 "pattern",
		"state: {commitInterval: 5}":                        "want string",
		"serviceMonitor: {interval: half a minute}":         "pattern",
		"podLabels: {tier: 1}":                              "want string",
		"denyLog: {rate: many}":                             "want null or integer",
		"log: {level: loud}":                                "must be one of",
		"podDisruptionBudget: {maxUnavailable: 0}":          "minimum",
	} {
		t.Run(text, func(t *testing.T) { refused(t, parse(t, "kinesis: {stream: a}\n", text), why) })
	}
}

// TestContradictions: what no schema can see is refused in a sentence that says the remedy.
func TestContradictions(t *testing.T) {
	const stream, firehose = "kinesis: {stream: a}\n", "firehose: {enabled: true, accessKey: {existingSecret: a}"
	for name, c := range map[string]struct{ values, why string }{
		"no input":                 {"", "set kinesis.stream, s3.queueUrl, firehose.enabled or config.inputs"},
		"replicas of a stream":     {stream + "replicaCount: 2", "make one release per stream"},
		"of one in the file":       {"config: {inputs: [{kinesis: {stream: a}}]}\nreplicaCount: 2", "make one release per stream"},
		"replicas on one volume":   {"s3: {queueUrl: 'https://a'}\nreplicaCount: 2\nstate: {persistence: {existingClaim: a}}", "each replica needs its own state"},
		"claim and none":           {stream + "state: {persistence: {enabled: false, existingClaim: a}}", "but state.persistence.enabled is not"},
		"no key":                   {"firehose: {enabled: true}", "firehose.insecureNoKey says that this is meant"},
		"key and none":             {firehose + ", insecureNoKey: true}", "both set; keep one"},
		"one port for two":         {firehose + ", port: 8080}", "a port of their own"},
		"ingress without firehose": {stream + "firehose: {ingress: {enabled: true, hosts: [a]}}", "without firehose.enabled"},
		"two monitors":             {stream + "serviceMonitor: {enabled: true}\npodMonitor: {enabled: true}", "scrape each pod twice"},
		"role of a foreign":        {stream + "serviceAccount: {create: false, roleArn: 'arn:aws:iam::123456789012:role/a'}", "annotate the service account yourself"},
		"memory in words":          {stream + "resources: {limits: {memory: much}}", "write it as 608Mi"},
		"rule that is not there":   {stream + "prometheusRule: {enabled: true, disabled: [FlowlogNothing]}", `no group, alert or record "FlowlogNothing"`},
	} {
		t.Run(name, func(t *testing.T) { refused(t, parse(t, c.values), c.why) })
	}
}

// parse reads values, of which the last texts win.
func parse(t *testing.T, texts ...string) map[string]any {
	t.Helper()
	values := map[string]any{}
	for _, text := range texts {
		if err := yaml.Unmarshal([]byte(text), &values); err != nil {
			t.Fatal(err)
		}
	}
	return values
}
