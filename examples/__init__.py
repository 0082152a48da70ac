"""Small examples of code that teams build on Gatehouse."""
