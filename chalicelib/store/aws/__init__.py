"""The calls of AWS: their budget, their failures, and the two paths to it. All others call AWS by `calls.Aws`."""
