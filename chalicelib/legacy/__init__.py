"""Legacy stores: a team's function that knows the people who have not moved yet (docs/adr/0051)."""
