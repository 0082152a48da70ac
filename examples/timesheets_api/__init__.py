"""An API that takes Gatehouse's access tokens. docs/use/verify-tokens.md explains it."""
