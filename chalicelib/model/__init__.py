"""The frozen values that the other packages share. Their methods need neither store nor clock."""
