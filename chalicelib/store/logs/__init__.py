"""The logs that Gatehouse writes itself; what its functions print is Lambda's to store."""
