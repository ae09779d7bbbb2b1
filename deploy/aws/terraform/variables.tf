variable "name" {
  description = "What the names of all that is made begin with."
  type        = string
  default     = "flowlog-exporter"
}

variable "vpc_id" {
  description = "The VPC whose traffic is logged. One module a VPC; existing names let modules share what they deliver to."
  type        = string
}

variable "log_format" {
  description = "Fields of a record. flow-direction and subnet-id let the exporter place each record without a guess."
  type        = string
  default     = "$${version} $${account-id} $${interface-id} $${srcaddr} $${dstaddr} $${srcport} $${dstport} $${protocol} $${packets} $${bytes} $${start} $${end} $${action} $${log-status} $${vpc-id} $${subnet-id} $${az-id} $${tcp-flags} $${pkt-srcaddr} $${pkt-dstaddr} $${flow-direction} $${traffic-path}"
}

variable "aggregation_interval" {
  description = "Seconds of traffic in a record. 600 makes fewer of them; interfaces of Nitro instances take 60 all the same."
  type        = number
  default     = 60

  validation {
    condition     = contains([60, 600], var.aggregation_interval)
    error_message = "The interval is 60 or 600."
  }
}

variable "delivery" {
  description = "Kinesis is minutes faster, S3 costs half as much."
  type        = string
  default     = "Kinesis"

  validation {
    condition     = contains(["Kinesis", "S3"], var.delivery)
    error_message = "The delivery is Kinesis or S3."
  }
}

variable "retention_days" {
  description = "How long CloudWatch Logs keeps the records (Kinesis)."
  type        = number
  default     = 3
}

variable "shard_mode" {
  description = "PROVISIONED costs by the shard, ON_DEMAND grows by itself."
  type        = string
  default     = "PROVISIONED"

  validation {
    condition     = contains(["PROVISIONED", "ON_DEMAND"], var.shard_mode)
    error_message = "The mode is PROVISIONED or ON_DEMAND."
  }
}

variable "shard_count" {
  description = "Shards of a PROVISIONED stream. One takes 1 MB a second, compressed."
  type        = number
  default     = 1
}

variable "stream_retention_hours" {
  description = "How long the stream keeps records, which is how long the exporter may be away."
  type        = number
  default     = 24
}

variable "object_days" {
  description = "How long the bucket keeps objects (S3)."
  type        = number
  default     = 30
}

variable "existing_log_group_name" {
  description = "Log group that a flow log writes to already. Then neither is made."
  type        = string
  default     = "none"
}

variable "existing_stream_name" {
  description = "Stream of this account and region that the records go to. Then none is made."
  type        = string
  default     = "none"
}

variable "existing_bucket_name" {
  description = "Bucket that flow logs are delivered to already. Then neither is made, and the notification of the bucket is yours to set."
  type        = string
  default     = "none"
}

variable "trusted_service" {
  description = "Where the exporter runs. \"none\" makes no role for a service; attach the policy to a role of your own."
  type        = string
  default     = "ec2.amazonaws.com"

  validation {
    condition     = contains(["ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "pods.eks.amazonaws.com", "none"], var.trusted_service)
    error_message = "The service is ec2.amazonaws.com, ecs-tasks.amazonaws.com, pods.eks.amazonaws.com or none."
  }
}

variable "trusted_principal_arn" {
  description = "ARN of a role or user that may take on the role by --aws.assume-role."
  type        = string
  default     = ""
}
