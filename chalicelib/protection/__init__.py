"""Attack protection: against guesses at one account, from one address, and at client secrets (docs/adr/0003, 0014)."""
