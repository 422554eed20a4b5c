# The search functions of infra/cdk for those without CDK: called by IAM (Invoke), outside of a VPC.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

data "aws_region" "current" {}
data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  names     = [for i in range(var.functions) : "${var.name}-search-${i + 1}"]
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  account   = data.aws_caller_identity.current.account_id
  prefix    = trim(var.prefix, "/")
  folder    = local.prefix == "" ? var.bucket : "${var.bucket}/${local.prefix}"
  folders   = length(var.tenants) == 0 ? ["${local.folder}/*"] : [for tenant in var.tenants : "${local.folder}/${tenant}"]
  # The objects of a block that a function reads.
  block_arns = flatten([
    for folder in local.folders : [
      for object in ["data.parquet", "bloom-*"] : "arn:${local.partition}:s3:::${folder}/*/${object}"
    ]
  ])
  alarm_actions = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]
  # Dollars of a GB-second in us-east-1, first tier (2026).
  gb_second_dollars = var.architecture == "arm64" ? 0.0000133334 : 0.0000166667
}

resource "aws_cloudwatch_log_group" "search" {
  for_each          = toset(local.names)
  name              = "/aws/lambda/${each.key}"
  retention_in_days = var.log_retention_days
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "search" {
  for_each = toset(local.names)

  # A function is told which block to read: it lists nothing.
  statement {
    sid       = "ReadBlocks"
    actions   = ["s3:GetObject"]
    resources = local.block_arns
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.search[each.key].arn}:*"]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == "" ? [] : [var.kms_key_arn]

    content {
      sid       = "DecryptBlocks"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.region}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "search" {
  for_each           = toset(local.names)
  name               = "${each.key}-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "search" {
  for_each = toset(local.names)
  name     = "search"
  role     = aws_iam_role.search[each.key].id
  policy   = data.aws_iam_policy_document.search[each.key].json
}

resource "aws_lambda_function" "search" {
  for_each                       = toset(local.names)
  function_name                  = each.key
  description                    = "Rubato: searches row groups of trace blocks"
  role                           = aws_iam_role.search[each.key].arn
  runtime                        = "nodejs24.x"
  handler                        = "lambda.handler"
  architectures                  = [var.architecture]
  filename                       = var.zip_path
  source_code_hash               = filebase64sha256(var.zip_path)
  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = var.reserved_concurrency
  # Queriers call the alias, which moves once the new version can be called.
  publish = true

  environment {
    variables = merge(
      {
        TEMPO_BACKEND                 = "s3"
        TEMPO_S3_BUCKET               = var.bucket
        TEMPO_S3_ENDPOINT             = "s3.${local.region}.amazonaws.com"
        TEMPO_S3_REGION               = local.region
        TEMPO_S3_HEDGE_REQUESTS_AT    = "400ms"
        TEMPO_S3_HEDGE_REQUESTS_UP_TO = "2"
      },
      local.prefix == "" ? {} : { TEMPO_S3_PREFIX = local.prefix },
    )
  }

  depends_on = [aws_cloudwatch_log_group.search, aws_iam_role_policy.search]
}

resource "aws_lambda_alias" "live" {
  for_each         = toset(local.names)
  name             = "live"
  function_name    = aws_lambda_function.search[each.key].function_name
  function_version = aws_lambda_function.search[each.key].version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  for_each                          = var.provisioned_concurrency > 0 ? toset(local.names) : toset([])
  function_name                     = aws_lambda_alias.live[each.key].function_name
  qualifier                         = aws_lambda_alias.live[each.key].name
  provisioned_concurrent_executions = var.provisioned_concurrency
}

data "aws_iam_policy_document" "call" {
  statement {
    sid       = "InvokeSearchFunctions"
    actions   = ["lambda:InvokeFunction"]
    resources = [for alias in aws_lambda_alias.live : alias.arn]
  }
}

resource "aws_iam_policy" "call" {
  name        = "${var.name}-call-search-functions-${local.region}"
  description = "Calls the search functions: attach it to the role of queriers"
  policy      = data.aws_iam_policy_document.call.json
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each            = toset(local.names)
  alarm_name          = "${each.key} errors"
  alarm_description   = "More than 1 % of calls failed for 5 minutes: look into the log of the function."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions

  metric_query {
    id          = "share"
    expression  = "100 * errors / MAX([calls, errors])"
    label       = "errors"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { errors = "Errors", calls = "Invocations" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value
        dimensions  = { FunctionName = each.key }
        period      = 60
        stat        = "Sum"
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each            = toset(local.names)
  alarm_name          = "${each.key} throttles"
  alarm_description   = "Calls were refused in 3 of 5 minutes: raise reserved_concurrency or the quota of the account."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = each.key }
  statistic           = "Sum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "tail" {
  for_each            = toset(local.names)
  alarm_name          = "${each.key} p99"
  alarm_description   = "The p99 of calls came near the time-out for 10 minutes: lower target_bytes_per_job or give functions more memory."
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = each.key }
  extended_statistic  = "p99"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.timeout_seconds * 1000 * 0.8
  evaluation_periods  = 10
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "cost" {
  alarm_name          = "${var.name} search functions cost"
  alarm_description   = "All functions together cost more than max_dollars_per_hour: see which tenant asks, cap it, or raise prefer_self."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.max_dollars_per_hour
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions

  metric_query {
    id          = "dollars"
    label       = "dollars per hour"
    return_data = true
    expression = format(
      "(%s) * %.12f + (%s) * 0.0000002",
      join(" + ", [for i in range(var.functions) : "duration${i}"]),
      local.gb_second_dollars * var.memory_mb / 1024 / 1000,
      join(" + ", [for i in range(var.functions) : "calls${i}"]),
    )
  }

  dynamic "metric_query" {
    for_each = merge([
      for i, name in local.names : {
        "duration${i}" = { name = name, metric = "Duration" }
        "calls${i}"    = { name = name, metric = "Invocations" }
      }
    ]...)

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value.metric
        dimensions  = { FunctionName = metric_query.value.name }
        period      = 3600
        stat        = "Sum"
      }
    }
  }
}
