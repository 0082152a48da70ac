"""Find rounds: AWS calls that were under way together, by their beginnings and ends."""

from collections.abc import Iterable

from tests.support.fake_aws.process import Call


def rounds(calls: Iterable[Call]) -> list[list[Call]]:
    """Return the calls by round: a call joins a round if it begins before the round's first call ends."""
    found: list[list[Call]] = []
    for call in sorted(calls, key=lambda call: call.began):
        if found and call.began < min(other.ended for other in found[-1]):
            found[-1].append(call)
        else:
            found.append([call])
    return found
