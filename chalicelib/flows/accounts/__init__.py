"""The endpoints by which people make and mend their own accounts: one file each."""
