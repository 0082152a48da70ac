"""The pages of a local run: beside the API, and never deployed."""
