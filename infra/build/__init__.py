"""Build files that are checked in, and check docstrings."""
