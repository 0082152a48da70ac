"""The team's own code in every login: Auth0's Rules, as Python functions (docs/use/rules.md, docs/adr/0012)."""
