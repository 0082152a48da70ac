"""Put a realm's people back to a moment of point-in-time recovery."""
