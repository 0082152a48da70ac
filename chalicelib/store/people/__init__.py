"""A realm's users table: the items of its users."""
