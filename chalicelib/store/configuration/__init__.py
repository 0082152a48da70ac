"""The config table: its documents, and the secrets that it keeps sealed."""
