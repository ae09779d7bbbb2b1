# What `flowlog-exporter iam` prints for these settings, and nothing else.
resource "aws_iam_policy" "exporter" {
  name_prefix = "${var.name}-"
  description = "What flowlog-exporter needs to read these flow logs."
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.by_kinesis ? local.read_stream : local.read_objects
  })
}

locals {
  read_stream = [
    {
      Sid      = "ReadStream"
      Effect   = "Allow"
      Action   = ["kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
      Resource = local.stream_arn
    },
    {
      Sid      = "DescribeNetwork"
      Effect   = "Allow"
      Action   = ["ec2:DescribeFlowLogs", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
      Resource = "*"
    },
  ]

  read_objects = [
    {
      Sid      = "DescribeNetwork"
      Effect   = "Allow"
      Action   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
      Resource = "*"
    },
    {
      Sid      = "TakeMessages"
      Effect   = "Allow"
      Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = one(aws_sqs_queue.queue[*].arn)
    },
    {
      Sid      = "ReadObjects"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = "arn:${local.partition}:s3:::${local.bucket_name}/AWSLogs/*"
    },
    {
      Sid      = "TellMissingObjects"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = "arn:${local.partition}:s3:::${local.bucket_name}"
    },
  ]
}

resource "aws_iam_role" "exporter" {
  count = local.make_role ? 1 : 0

  name_prefix = "flowlog-exporter-"
  description = "flowlog-exporter reads flow logs with it."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.for_service ? [{
        Sid       = "Service"
        Effect    = "Allow"
        Principal = { Service = var.trusted_service }
        Action    = ["sts:AssumeRole", "sts:TagSession"]
      }] : [],
      local.for_principal ? [{
        Sid       = "Principal"
        Effect    = "Allow"
        Principal = { AWS = var.trusted_principal_arn }
        Action    = ["sts:AssumeRole"]
      }] : [],
    )
  })
}

resource "aws_iam_role_policy_attachment" "exporter" {
  count = local.make_role ? 1 : 0

  role       = aws_iam_role.exporter[0].name
  policy_arn = aws_iam_policy.exporter.arn
}

resource "aws_iam_instance_profile" "exporter" {
  count = local.on_ec2 ? 1 : 0

  name_prefix = "flowlog-exporter-"
  role        = aws_iam_role.exporter[0].name
}
