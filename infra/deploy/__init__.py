"""Deploy a stage by Chalice."""
