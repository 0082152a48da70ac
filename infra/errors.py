"""The refusals of the tools; the command prints their message and exits with 2."""


class Refused(Exception):
    """The tools cannot do this; the message says why, in words for the operator."""


class Taken(Refused):
    """Another person of the realm has this name."""


class NotReady(Exception):
    """The stage lacks what `gatehouse up` makes; the message lists it."""
