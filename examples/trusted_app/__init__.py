"""A highly trusted application: it takes people's passwords, and its backend alone sends them to Gatehouse."""
