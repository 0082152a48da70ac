"""What the parts of a tenant file must say of each other, and what of a file at fault can be read for that."""
