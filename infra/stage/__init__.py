"""A stage in AWS: its stacks, keys, configuration and people."""
