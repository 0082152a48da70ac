"""The CloudFormation stacks of a stage: their states, their changes, and what a failed creation leaves."""
