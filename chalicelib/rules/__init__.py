"""The team's own code in every login: what Auth0's Rules were, as Python functions (docs/rules.md, docs/adr/0012)."""
