"""The soak: a running server under a mix of requests for minutes."""
