"""Print tables, plans and QR codes."""
