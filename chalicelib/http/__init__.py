"""The edge: the only package that knows Chalice."""
