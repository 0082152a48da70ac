"""The commands that put a realm back, and that take a stage down."""
