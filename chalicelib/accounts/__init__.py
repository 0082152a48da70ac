"""The rules of accounts without an operator: sign-ups, tickets, new passwords, and the emails that they ask for."""
