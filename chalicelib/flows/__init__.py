"""One file per endpoint: the steps of an answer, in order."""
