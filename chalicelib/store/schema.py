"""The number of the shape that stored items have. Every item has it; one without it is of the version before."""

# Part of each item's attributes: a later version knows by it which items it has to bring over.
SCHEMA = 2
