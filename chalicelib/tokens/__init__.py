"""The tokens that are issued: their claims, and how they are signed."""
