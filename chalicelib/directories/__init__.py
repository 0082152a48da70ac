"""What answers for a realm: who somebody is, and whether that is their password."""
