"""Rounds: which AWS calls were under way together, from when each began and ended."""

from collections.abc import Iterable

from tests.support.fake_aws.process import Call


def rounds(calls: Iterable[Call]) -> list[list[Call]]:
    """Return the calls round by round: a round is all that began before its first one ended."""
    found: list[list[Call]] = []
    for call in sorted(calls, key=lambda call: call.began):
        if found and call.began < min(other.ended for other in found[-1]):
            found[-1].append(call)
        else:
            found.append([call])
    return found
