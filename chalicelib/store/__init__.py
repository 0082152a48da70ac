"""DynamoDB and KMS: the only room that knows AWS. Its errors never leave it; `aws.calls.Aws` is the one door."""
