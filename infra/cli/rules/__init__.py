"""The commands about the rules of a team, and the settings that the rules read."""
