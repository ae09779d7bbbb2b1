output "stream_arn" {
  description = "What --kinesis.stream takes."
  value       = local.by_kinesis ? local.stream_arn : null
}

output "log_group_name" {
  description = "Where the flow log writes to."
  value       = local.by_kinesis ? local.log_group_name : null
}

output "queue_url" {
  description = "What --s3.queue-url takes."
  value       = one(aws_sqs_queue.queue[*].url)
}

output "queue_arn" {
  description = "Where the notification of an existing bucket has to go to."
  value       = one(aws_sqs_queue.queue[*].arn)
}

output "bucket_name" {
  description = "With /AWSLogs behind it, what --s3.allow takes."
  value       = local.by_s3 ? local.bucket_name : null
}

output "exporter_policy_arn" {
  description = "For a role of your own."
  value       = aws_iam_policy.exporter.arn
}

output "exporter_role_arn" {
  description = "What --aws.assume-role takes, and what the service runs with."
  value       = one(aws_iam_role.exporter[*].arn)
}

output "instance_profile_name" {
  description = "For the EC2 instance that the exporter runs on."
  value       = one(aws_iam_instance_profile.exporter[*].name)
}
