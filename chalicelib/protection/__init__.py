"""Attack protection: guesses at one account, from one address, at client secrets (docs/adr/0003, 0014)."""
