resource "aws_cloudwatch_log_group" "log_group" {
  count = local.new_log_group ? 1 : 0

  name_prefix       = "${var.name}-"
  retention_in_days = var.retention_days
}

resource "aws_iam_role" "log_delivery" {
  count = local.new_log_group ? 1 : 0

  name_prefix = "flow-logs-"
  description = "Lets VPC flow logs write into their log group."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ec2:${local.region}:${local.account}:vpc-flow-log/*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "log_delivery" {
  count = local.new_log_group ? 1 : 0

  name = "write-flow-logs"
  role = aws_iam_role.log_delivery[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.log_group[0].arn}:*"
      },
      {
        Effect   = "Allow"
        Action   = ["logs:DescribeLogGroups"]
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"
      },
    ]
  })
}

resource "aws_flow_log" "to_log_group" {
  count = local.new_log_group ? 1 : 0

  vpc_id                   = var.vpc_id
  traffic_type             = "ALL"
  log_destination_type     = "cloud-watch-logs"
  log_destination          = aws_cloudwatch_log_group.log_group[0].arn
  iam_role_arn             = aws_iam_role.log_delivery[0].arn
  log_format               = var.log_format
  max_aggregation_interval = var.aggregation_interval

  depends_on = [aws_iam_role_policy.log_delivery]
}

resource "aws_kinesis_stream" "stream" {
  count = local.new_stream ? 1 : 0

  name             = var.name
  retention_period = var.stream_retention_hours
  shard_count      = var.shard_mode == "PROVISIONED" ? var.shard_count : null
  encryption_type  = "KMS"
  kms_key_id       = "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = var.shard_mode
  }
}

resource "aws_iam_role" "subscription" {
  count = local.by_kinesis ? 1 : 0

  name_prefix = "flow-logs-"
  description = "Lets CloudWatch Logs put the records of the log group into the stream."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:logs:${local.region}:${local.account}:*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "subscription" {
  count = local.by_kinesis ? 1 : 0

  name = "put-into-stream"
  role = aws_iam_role.subscription[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kinesis:PutRecord"]
      Resource = local.stream_arn
    }]
  })
}

resource "aws_cloudwatch_log_subscription_filter" "subscription" {
  count = local.by_kinesis ? 1 : 0

  name            = var.name
  log_group_name  = local.log_group_name
  filter_pattern  = ""
  destination_arn = local.stream_arn
  role_arn        = aws_iam_role.subscription[0].arn

  depends_on = [aws_iam_role_policy.subscription]
}
