"""Passwords that were disclosed in a breach, or are so common that they will be (docs/adr/0015)."""
