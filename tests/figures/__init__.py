"""The figures and tables of docs/attack-protection.md."""
