"""The commands about people: who they are, their second factors, refresh tokens and blocks."""
