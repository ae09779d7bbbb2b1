// Package aws is the AWS set-up as code: flow log, delivery, and the role that the
// exporter reads with.
package aws

import _ "embed"

// Template is the CloudFormation template, YAML.
//
//go:embed cloudformation.yaml
var Template string
