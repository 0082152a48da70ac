"""Measure the cost of requests, in relation to one bcrypt of the same run. Never deployed, and not run by the tests."""
