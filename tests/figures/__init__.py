"""The figures and tables of docs/run/attack-protection.md."""
