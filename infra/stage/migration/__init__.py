"""Bring the items of a filled stage, which the version before stored, into the present shape."""
