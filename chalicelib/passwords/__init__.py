"""Passwords: their hashes, the policy for new ones, and the lists of breached ones."""
