"""Translate Auth0's Rules into a rule package."""
