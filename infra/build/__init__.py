"""Builders of files that are checked in."""
