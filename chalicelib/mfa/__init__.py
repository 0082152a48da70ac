"""Second factors inside the password flow (docs/mfa.md, docs/adr/0013): one file a factor."""
