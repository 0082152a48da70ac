"""The log groups of a stage that its stack does not have."""
