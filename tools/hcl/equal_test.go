package hcl

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

const setUp = "../../deploy/aws/"

// row says which property of the template is which attribute of the module.
type row struct{ id, property, address, attribute string }

// rows hold all resources and properties of both, but for those in oneSided.
var rows = []row{
	{"LogGroup", "RetentionInDays", "aws_cloudwatch_log_group.log_group", "retention_in_days"},
	{"LogDeliveryRole", "Description", "aws_iam_role.log_delivery", "description"},
	{"LogDeliveryRole", "AssumeRolePolicyDocument", "aws_iam_role.log_delivery", "assume_role_policy"},
	{"LogDeliveryRole", "Policies.0.PolicyName", "aws_iam_role_policy.log_delivery", "name"},
	{"LogDeliveryRole", "Policies.0.PolicyDocument", "aws_iam_role_policy.log_delivery", "policy"},
	{"FlowLogToLogGroup", "ResourceId", "aws_flow_log.to_log_group", "vpc_id"},
	{"FlowLogToLogGroup", "TrafficType", "aws_flow_log.to_log_group", "traffic_type"},
	{"FlowLogToLogGroup", "LogDestinationType", "aws_flow_log.to_log_group", "log_destination_type"},
	{"FlowLogToLogGroup", "DeliverLogsPermissionArn", "aws_flow_log.to_log_group", "iam_role_arn"},
	{"FlowLogToLogGroup", "LogFormat", "aws_flow_log.to_log_group", "log_format"},
	{"FlowLogToLogGroup", "MaxAggregationInterval", "aws_flow_log.to_log_group", "max_aggregation_interval"},
	{"Stream", "RetentionPeriodHours", "aws_kinesis_stream.stream", "retention_period"},
	{"Stream", "ShardCount", "aws_kinesis_stream.stream", "shard_count"},
	{"Stream", "StreamModeDetails.StreamMode", "aws_kinesis_stream.stream", "stream_mode_details.stream_mode"},
	{"Stream", "StreamEncryption.EncryptionType", "aws_kinesis_stream.stream", "encryption_type"},
	{"Stream", "StreamEncryption.KeyId", "aws_kinesis_stream.stream", "kms_key_id"},
	{"SubscriptionRole", "Description", "aws_iam_role.subscription", "description"},
	{"SubscriptionRole", "AssumeRolePolicyDocument", "aws_iam_role.subscription", "assume_role_policy"},
	{"SubscriptionRole", "Policies.0.PolicyName", "aws_iam_role_policy.subscription", "name"},
	{"SubscriptionRole", "Policies.0.PolicyDocument", "aws_iam_role_policy.subscription", "policy"},
	{"Subscription", "LogGroupName", "aws_cloudwatch_log_subscription_filter.subscription", "log_group_name"},
	{"Subscription", "FilterPattern", "aws_cloudwatch_log_subscription_filter.subscription", "filter_pattern"},
	{"Subscription", "DestinationArn", "aws_cloudwatch_log_subscription_filter.subscription", "destination_arn"},
	{"Subscription", "RoleArn", "aws_cloudwatch_log_subscription_filter.subscription", "role_arn"},
	{"DeadLetters", "MessageRetentionPeriod", "aws_sqs_queue.dead_letters", "message_retention_seconds"},
	{"DeadLetters", "SqsManagedSseEnabled", "aws_sqs_queue.dead_letters", "sqs_managed_sse_enabled"},
	{"Queue", "VisibilityTimeout", "aws_sqs_queue.queue", "visibility_timeout_seconds"},
	{"Queue", "MessageRetentionPeriod", "aws_sqs_queue.queue", "message_retention_seconds"},
	{"Queue", "SqsManagedSseEnabled", "aws_sqs_queue.queue", "sqs_managed_sse_enabled"},
	{"Queue", "RedrivePolicy", "aws_sqs_queue.queue", "redrive_policy"},
	{"QueuePolicy", "Queues.0", "aws_sqs_queue_policy.queue", "queue_url"},
	{"QueuePolicy", "PolicyDocument", "aws_sqs_queue_policy.queue", "policy"},
	{"Bucket", "", "aws_s3_bucket.bucket", ""}, // its properties are resources of their own
	{"Bucket", "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm", "aws_s3_bucket_server_side_encryption_configuration.bucket", "rule.apply_server_side_encryption_by_default.sse_algorithm"},
	{"Bucket", "OwnershipControls.Rules.0.ObjectOwnership", "aws_s3_bucket_ownership_controls.bucket", "rule.object_ownership"},
	{"Bucket", "PublicAccessBlockConfiguration.BlockPublicAcls", "aws_s3_bucket_public_access_block.bucket", "block_public_acls"},
	{"Bucket", "PublicAccessBlockConfiguration.BlockPublicPolicy", "aws_s3_bucket_public_access_block.bucket", "block_public_policy"},
	{"Bucket", "PublicAccessBlockConfiguration.IgnorePublicAcls", "aws_s3_bucket_public_access_block.bucket", "ignore_public_acls"},
	{"Bucket", "PublicAccessBlockConfiguration.RestrictPublicBuckets", "aws_s3_bucket_public_access_block.bucket", "restrict_public_buckets"},
	{"Bucket", "LifecycleConfiguration.Rules.0.Id", "aws_s3_bucket_lifecycle_configuration.bucket", "rule.id"},
	{"Bucket", "LifecycleConfiguration.Rules.0.Status", "aws_s3_bucket_lifecycle_configuration.bucket", "rule.status"},
	{"Bucket", "LifecycleConfiguration.Rules.0.ExpirationInDays", "aws_s3_bucket_lifecycle_configuration.bucket", "rule.expiration.days"},
	{"Bucket", "LifecycleConfiguration.Rules.0.AbortIncompleteMultipartUpload.DaysAfterInitiation", "aws_s3_bucket_lifecycle_configuration.bucket", "rule.abort_incomplete_multipart_upload.days_after_initiation"},
	{"Bucket", "NotificationConfiguration.QueueConfigurations.0.Queue", "aws_s3_bucket_notification.bucket", "queue.queue_arn"},
	{"Bucket", "NotificationConfiguration.QueueConfigurations.0.Event", "aws_s3_bucket_notification.bucket", "queue.events.0"},
	{"Bucket", "NotificationConfiguration.QueueConfigurations.0.Filter.S3Key.Rules.0.Value", "aws_s3_bucket_notification.bucket", "queue.filter_prefix"},
	{"BucketPolicy", "Bucket", "aws_s3_bucket_policy.bucket", "bucket"},
	{"BucketPolicy", "PolicyDocument", "aws_s3_bucket_policy.bucket", "policy"},
	{"FlowLogToBucket", "ResourceId", "aws_flow_log.to_bucket", "vpc_id"},
	{"FlowLogToBucket", "TrafficType", "aws_flow_log.to_bucket", "traffic_type"},
	{"FlowLogToBucket", "LogDestinationType", "aws_flow_log.to_bucket", "log_destination_type"},
	{"FlowLogToBucket", "LogDestination", "aws_flow_log.to_bucket", "log_destination"},
	{"FlowLogToBucket", "LogFormat", "aws_flow_log.to_bucket", "log_format"},
	{"FlowLogToBucket", "MaxAggregationInterval", "aws_flow_log.to_bucket", "max_aggregation_interval"},
	{"FlowLogToBucket", "DestinationOptions.FileFormat", "aws_flow_log.to_bucket", "destination_options.file_format"},
	{"FlowLogToBucket", "DestinationOptions.HiveCompatiblePartitions", "aws_flow_log.to_bucket", "destination_options.hive_compatible_partitions"},
	{"FlowLogToBucket", "DestinationOptions.PerHourPartition", "aws_flow_log.to_bucket", "destination_options.per_hour_partition"},
	{"ExporterPolicy", "Description", "aws_iam_policy.exporter", "description"},
	{"ExporterPolicy", "Roles.0", attachment, "role"},
	{"ExporterPolicy", "PolicyDocument", "aws_iam_policy.exporter", "policy"},
	{"ExporterRole", "Description", "aws_iam_role.exporter", "description"},
	{"ExporterRole", "AssumeRolePolicyDocument", "aws_iam_role.exporter", "assume_role_policy"},
	{"ExporterInstanceProfile", "Roles.0", "aws_iam_instance_profile.exporter", "role"},
}

// attachment is a resource of its own in the module alone.
const attachment = "aws_iam_role_policy_attachment.exporter"

// oneSided are the leaves that the other language has no word for, or another one
// in another place.
var oneSided = map[string]bool{
	"FlowLogToLogGroup.ResourceType": true, "FlowLogToLogGroup.LogGroupName": true, "FlowLogToBucket.ResourceType": true,
	"Bucket.NotificationConfiguration.QueueConfigurations.0.Filter.S3Key.Rules.0.Name": true,
	"aws_flow_log.to_log_group.log_destination":                                        true,
	attachment + ".policy_arn":                                                         true,
	"aws_kinesis_stream.stream.name":                                                   true,
	"aws_cloudwatch_log_subscription_filter.subscription.name":                         true,
}

// own says to which bucket, role or queue an attribute belongs that the template
// writes within its resource, or a name that CloudFormation chooses.
var own = regexp.MustCompile(`^aws_(s3_bucket_\w+|iam_role_policy)\.\w+\.(bucket|role)$|\.(name|bucket)_prefix$`)

// choices are what both are evaluated for.
var choices = []struct {
	name       string
	parameters map[string]string // of the template
}{
	{"kinesis", nil},
	{"s3", map[string]string{"Delivery": "S3"}},
	{"on demand", map[string]string{"ShardMode": "ON_DEMAND", "RetentionDays": "7", "StreamRetentionHours": "48", "AggregationInterval": "600"}},
	{"existing log group and stream", map[string]string{"ExistingLogGroupName": "group", "ExistingStreamName": "flow"}},
	{"existing bucket", map[string]string{"Delivery": "S3", "ExistingBucketName": "logs"}},
	{"other days", map[string]string{"Delivery": "S3", "ObjectDays": "5", "LogFormat": "${version} ${srcaddr}"}},
	{"pods and a principal", map[string]string{"TrustedService": "pods.eks.amazonaws.com", "TrustedPrincipalArn": "arn:aws:iam::123456789012:user/u"}},
	{"a principal alone", map[string]string{"TrustedService": "none", "TrustedPrincipalArn": "arn:aws:iam::123456789012:user/u"}},
	{"no role", map[string]string{"TrustedService": "none"}},
}

// TestFormatted is what terraform fmt -check looks at.
func TestFormatted(t *testing.T) {
	files, err := filepath.Glob(setUp + "terraform/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no module: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(hclwrite.Format(text), text) {
			t.Errorf("%s: run terraform fmt", file)
		}
	}
}

// TestSameVariables: each parameter has its variable, with the same default.
func TestSameVariables(t *testing.T) {
	module, template := load(t)
	want := map[string]any{"name": "flowlog-exporter"}
	for name, p := range template.Parameters {
		want[snake(name)] = p.(map[string]any)["Default"]
	}
	got := map[string]any{}
	for name, v := range module.Variables {
		got[name] = plainOf(t, v)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the module has\n%v\nthe template\n%v", got, want)
	}
}

// TestSameResources evaluates both for each choice: what one makes the other makes
// too, with the same properties, and nothing in either is left out of the comparison.
func TestSameResources(t *testing.T) {
	for _, c := range choices {
		t.Run(c.name, func(t *testing.T) {
			terraform, formation := evaluate(t, c.parameters)
			compared := 0
			for _, r := range rows {
				if r.address != attachment && (formation[r.id] == nil) != (terraform[r.address] == nil) {
					t.Errorf("%s is made: %t, %s: %t", r.id, formation[r.id] != nil, r.address, terraform[r.address] != nil)
				}
				a, b := take(formation[r.id], r.property), take(terraform[r.address], r.attribute)
				if !reflect.DeepEqual(a, b) {
					t.Errorf("%s.%s is\n%v\n%s.%s is\n%v", r.id, r.property, a, r.address, r.attribute, b)
				}
				compared++
			}
			for _, rest := range append(leaves(formation), leaves(terraform)...) {
				if !oneSided[rest] && !own.MatchString(rest) {
					t.Errorf("%s is in one of them alone", rest)
				}
			}
			t.Logf("%d resources of the template, %d of the module, %d properties", len(formation), len(terraform), compared)
		})
	}
}

// TestSamePolicyAsTheBinaryPrints holds the policy of both against iam.
func TestSamePolicyAsTheBinaryPrints(t *testing.T) {
	program := filepath.Join(t.TempDir(), "flowlog-exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../..", "-buildvcs=false", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for delivery, flags := range map[string][]string{
		"Kinesis": {"--kinesis.stream", arns["Stream"]},
		"S3":      {"--s3.queue-url", "https://sqs.eu-west-1.amazonaws.com/123456789012/Queue", "--s3.allow", "name-of-Bucket/AWSLogs"},
	} {
		t.Run(delivery, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program, append([]string{"iam"}, flags...)...)
			cmd.Env = []string{"HOME=" + t.TempDir(), "AWS_REGION=" + Region}
			printed, err := cmd.Output()
			if err != nil {
				t.Fatalf("iam: %v", err)
			}
			terraform, formation := evaluate(t, map[string]string{"Delivery": delivery})
			want := normal(string(printed))
			for _, got := range []any{take(formation["ExporterPolicy"], "PolicyDocument"), take(terraform["aws_iam_policy.exporter"], "policy")} {
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got\n%v\niam prints\n%v", got, want)
				}
			}
		})
	}
}

func load(t *testing.T) (*Module, *Template) {
	t.Helper()
	module, err := ParseModule(setUp + "terraform")
	if err != nil {
		t.Fatal(err)
	}
	template, err := ParseTemplate(setUp + "cloudformation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return module, template
}

// arns are those that have to look like one.
var arns = map[string]string{
	"Stream": "arn:aws:kinesis:eu-west-1:123456789012:stream/Stream", "Queue": "arn:aws:sqs:eu-west-1:123456789012:Queue",
	"Bucket": "arn:aws:s3:::name-of-Bucket",
}

func arnOf(id string) string {
	if arn := arns[id]; arn != "" {
		return arn
	}
	return "arn-of-" + id
}

// evaluate returns what both make, as plain values by name.
func evaluate(t *testing.T, parameters map[string]string) (terraform, formation map[string]map[string]any) {
	t.Helper()
	module, template := load(t)
	all := map[string]string{"VpcId": "vpc-1"}
	maps.Copy(all, parameters)
	variables := map[string]cty.Value{}
	for name, text := range all {
		variables[snake(name)] = cty.StringVal(text)
	}
	made, err := module.Evaluate(variables, func(address string) map[string]cty.Value {
		id := ""
		for _, r := range rows {
			if r.address == address && !own.MatchString(r.address+".role") {
				id = r.id
				break
			}
		}
		name := "name-of-" + id
		if strings.HasPrefix(address, "aws_sqs_queue.") {
			name = "url-of-" + id
		}
		return map[string]cty.Value{"arn": cty.StringVal(arnOf(id)), "id": cty.StringVal(name), "name": cty.StringVal(name), "url": cty.StringVal(name)}
	})
	if err != nil {
		t.Fatal(err)
	}
	terraform = map[string]map[string]any{}
	for address, said := range made {
		terraform[address] = plainOf(t, cty.ObjectVal(said)).(map[string]any)
	}
	formation, err = template.Evaluate(all, func(id, attribute string) string {
		switch {
		case id == "LogGroup" && attribute == "Arn":
			return arnOf(id) + ":*"
		case attribute == "Arn" || id == "ExporterPolicy":
			return arnOf(id)
		case id == "Queue":
			return "url-of-" + id
		}
		return "name-of-" + id
	})
	if err != nil {
		t.Fatal(err)
	}
	return terraform, formation
}

// plainOf is a value as JSON has it, numbers and booleans as texts.
func plainOf(t *testing.T, v cty.Value) any {
	t.Helper()
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	return texts(plain)
}

// texts makes texts of numbers and booleans, and leaves out what is null.
func texts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for name, item := range v {
			if item != nil {
				m[name] = texts(item)
			}
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = texts(v[i])
		}
		return list
	case float64, bool:
		text, _ := json.Marshal(v)
		return string(text)
	}
	return v
}

// take takes the value at a path out of a resource, in its normal form.
func take(resource map[string]any, path string) any {
	var at any = resource
	parts := strings.Split(path, ".")
	for i, part := range parts {
		switch v := at.(type) {
		case map[string]any:
			if i == len(parts)-1 {
				defer delete(v, part)
			}
			at = v[part]
		case []any:
			if len(v) == 0 {
				return nil
			}
			if i == len(parts)-1 {
				taken := v[0]
				v[0] = nil
				return normal(taken)
			}
			at = v[0]
		default:
			return nil
		}
	}
	return normal(at)
}

// normal reads JSON in texts, and makes lists of what a policy may write as one.
func normal(v any) any {
	if text, ok := v.(string); ok && strings.HasPrefix(text, "{") {
		var parsed any
		if json.Unmarshal([]byte(text), &parsed) == nil {
			return normal(texts(parsed))
		}
	}
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for name, item := range v {
			if _, ok := item.(string); ok && (name == "Action" || name == "Resource") {
				item = []any{item}
			}
			m[name] = normal(item)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = normal(v[i])
		}
		return list
	}
	return v
}

// leaves are the paths of what was not taken.
func leaves(made map[string]map[string]any) (paths []string) {
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case nil:
		case map[string]any:
			for name, item := range v {
				walk(path+"."+name, item)
			}
		case []any:
			for _, item := range v {
				walk(path+".0", item)
			}
		default:
			paths = append(paths, path)
		}
	}
	for name, said := range made {
		walk(name, said)
	}
	slices.Sort(paths)
	return paths
}

// snake writes VpcId as vpc_id.
func snake(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "${1}_$2"))
}
