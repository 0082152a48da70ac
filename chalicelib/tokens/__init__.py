"""Tokens: their claims, their signatures, and how they are issued and verified."""
