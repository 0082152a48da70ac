"""The calls of AWS: their budget, their failures, and the two paths that they take. `calls.Aws` is the one door."""
