"""Look a stage over: is everything there, in step, allowed, reachable, and within its quotas."""
