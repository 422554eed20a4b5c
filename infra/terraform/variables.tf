variable "name" {
  description = "Stands before the name of everything."
  type        = string
  default     = "rubato"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "name must be lower-case letters, digits and dashes."
  }
}

variable "zip_path" {
  description = "The archive that npm run build makes: dist/lambda.zip."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket with the blocks."
  type        = string
}

variable "prefix" {
  description = "storage.trace.s3.prefix: what stands before the tenants' folders; empty for none."
  type        = string
  default     = ""
}

variable "tenants" {
  description = "Tenants whose blocks may be read; empty for all."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for tenant in var.tenants : can(regex("^[^*?/]+$", tenant))])
    error_message = "tenants are ids without wildcards."
  }
}

variable "kms_key_arn" {
  description = "Key that the bucket is encrypted with; empty where it is S3's own."
  type        = string
  default     = ""
}

variable "functions" {
  description = "How many functions; a hedged call goes to another one."
  type        = number
  default     = 2

  validation {
    condition     = var.functions >= 1 && var.functions <= 20
    error_message = "functions must be 1 to 20."
  }
}

variable "memory_mb" {
  description = "1,769 MB are one core."
  type        = number
  default     = 1769

  validation {
    condition     = var.memory_mb >= 512 && var.memory_mb <= 10240
    error_message = "memory_mb must be 512 to 10240."
  }
}

variable "architecture" {
  description = "arm64 or x86_64; the archive runs on both."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "timeout_seconds" {
  description = "Longest call."
  type        = number
  default     = 60
}

variable "reserved_concurrency" {
  description = "Most calls at a time of one function; -1 for what the account allows."
  type        = number
  default     = -1
}

variable "provisioned_concurrency" {
  description = "Instances of one function that are kept ready; 0 for none."
  type        = number
  default     = 0
}

variable "log_retention_days" {
  description = "As CloudWatch takes them: 1, 3, 5, 7, 14, 30, …"
  type        = number
  default     = 14
}

variable "alarm_topic_arn" {
  description = "Topic that alarms tell; empty for none."
  type        = string
  default     = ""
}

variable "max_dollars_per_hour" {
  description = "An alarm says when all functions together cost more."
  type        = number
  default     = 10
}
