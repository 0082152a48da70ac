"""The emails that people get: which there are, and how they are made of templates.

Nothing here is imported before the first email is sent: a login sends none.
"""
