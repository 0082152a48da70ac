"""Make a tenant file, a rule package and a report of what another server exports."""
