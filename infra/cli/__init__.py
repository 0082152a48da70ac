"""The `gatehouse` command: a file for each group of commands."""
