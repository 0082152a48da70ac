"""The values that the floors hand each other: frozen, without behaviour that needs a store or a clock."""
