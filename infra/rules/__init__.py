"""Rule packages before they are deployed: scaffold, spelling, trial logins, settings."""
