"""What teams build on Gatehouse, in small."""
