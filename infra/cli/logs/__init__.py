"""The commands that read the logs of a stage."""
