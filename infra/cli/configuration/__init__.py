"""The commands that show a stage's realms, APIs and clients."""
