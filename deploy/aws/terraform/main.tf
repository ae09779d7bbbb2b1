# VPC flow logs for flowlog-exporter: the flow log, its delivery by Kinesis or by S3
# and SQS, and the role that the exporter reads with. The same as cloudformation.yaml
# beside it, which a test holds it against.

data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

locals {
  account   = data.aws_caller_identity.here.account_id
  partition = data.aws_partition.here.partition
  region    = data.aws_region.here.name

  by_kinesis    = var.delivery == "Kinesis"
  by_s3         = var.delivery == "S3"
  new_log_group = local.by_kinesis && var.existing_log_group_name == "none"
  new_stream    = local.by_kinesis && var.existing_stream_name == "none"
  new_bucket    = local.by_s3 && var.existing_bucket_name == "none"
  for_service   = var.trusted_service != "none"
  for_principal = var.trusted_principal_arn != ""
  on_ec2        = var.trusted_service == "ec2.amazonaws.com"
  make_role     = local.for_service || local.for_principal

  stream_arn     = local.new_stream ? one(aws_kinesis_stream.stream[*].arn) : "arn:${local.partition}:kinesis:${local.region}:${local.account}:stream/${var.existing_stream_name}"
  log_group_name = local.new_log_group ? one(aws_cloudwatch_log_group.log_group[*].name) : var.existing_log_group_name
  bucket_name    = local.new_bucket ? one(aws_s3_bucket.bucket[*].id) : var.existing_bucket_name
}
