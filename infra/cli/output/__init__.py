"""What the command prints: tables, plans and QR codes."""
