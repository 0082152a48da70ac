"""Deploying a stage."""
