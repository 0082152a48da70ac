"""The instruments: what measures Gatehouse."""
