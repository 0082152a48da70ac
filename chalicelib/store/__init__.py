"""DynamoDB and KMS: the only room that knows AWS. Its errors never leave it; `aws.call` is its one door."""
