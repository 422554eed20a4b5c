output "querier_configuration" {
  description = "For the configuration of queriers."
  value = yamlencode({
    querier = {
      search = {
        prefer_self        = 10
        external_backend   = "aws_lambda"
        external_endpoints = [for name in local.names : "lambda:${name}:${aws_lambda_alias.live[name].name}"]
      }
    }
  })
}

output "call_policy_arn" {
  description = "Attach it to the role of queriers."
  value       = aws_iam_policy.call.arn
}

output "function_arns" {
  description = "ARNs of the aliases that queriers call."
  value       = [for name in local.names : aws_lambda_alias.live[name].arn]
}
