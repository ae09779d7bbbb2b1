// Package kube holds the Helm chart and the plain manifests against Helm itself,
// against Kubernetes' and the Prometheus operator's own types, and against the
// program that they run. It has tests only; go test -update rewrites what is made
// from something else.
package kube
