"""The events that a stage sends elsewhere."""
