"""The local run: emulated AWS, and what it prints."""
