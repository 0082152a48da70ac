"""A domain of the team's own in front of a stage's API."""
