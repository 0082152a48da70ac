"""The reading of a file of people: its bytes, its layout and its rows."""
