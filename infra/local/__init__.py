"""The local run: the app on emulated AWS in one process."""
