"""Second factors inside the password flow (docs/use/mfa.md, docs/adr/0013): one file a factor."""
