"""Rotate the keys that sign the tokens. Only the scheduled function and the tools import this room."""
