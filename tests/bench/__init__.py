"""Instruments: what a request costs, beside one bcrypt in the same run. Never deployed, no part of the tests."""
