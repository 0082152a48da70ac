"""The tenant file: its sections, checks and faults."""
