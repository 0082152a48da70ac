"""The CloudFormation stacks of a stage: how they stand, what they would change, what a failed one left."""
