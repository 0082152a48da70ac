"""Password hashes that other servers made (docs/adr/0049). Imported for the people who have one alone."""
