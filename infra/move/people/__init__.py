"""Move people: read them from a file, and write them to a realm."""
