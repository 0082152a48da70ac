"""The errors of the tools that the operator can mend. The command prints the message and exits with 2."""


class OperatorError(Exception):
    """The command cannot go on. The message tells the operator what is wrong, and what to do."""


class UserExists(OperatorError):
    """Another user has this username, email or user_id."""


class NotReady(Exception):
    """The stage lacks something that `gatehouse up` makes; the message lists it."""
