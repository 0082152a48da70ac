"""Bring the rows of other servers' exports into Auth0's bulk form."""
