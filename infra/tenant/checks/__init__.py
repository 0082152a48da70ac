"""Check the parts of a tenant file against each other, as far as a file at fault can be read."""
