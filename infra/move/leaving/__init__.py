"""People who leave a realm: their rows in a file for somewhere else, and their erasure."""
