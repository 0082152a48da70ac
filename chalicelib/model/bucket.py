"""A leaky bucket for failures. Its state is one number: when it will be empty. Source: GCRA, ITU-T I.371."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """The limit of a leaky bucket.

    size: how many failures fill it. rate_ms: the milliseconds after which it has room for one more. max_debt: how many
    failures a full bucket still takes; each of them keeps it full for one rate_ms more.
    """

    size: int
    rate_ms: int
    max_debt: int = 0

    def times(self, factor: int) -> "Bucket":
        """Return a bucket for that many senders together: each limit times the factor."""
        return Bucket(self.size * factor, -(-self.rate_ms // factor), self.max_debt)

    def opens_at_ms(self, empties_at_ms: int) -> int:
        """Return when a bucket that will be empty at empties_at_ms has room for a failure; epoch milliseconds."""
        return empties_at_ms - (self.size - 1) * self.rate_ms

    def is_full(self, empties_at_ms: int, now_ms: int) -> bool:
        """Return whether a bucket that will be empty at empties_at_ms has no room for a failure now."""
        return self.opens_at_ms(empties_at_ms) > now_ms

    def is_half_empty(self, empties_at_ms: int, now_ms: int) -> bool:
        """Return whether a bucket that will be empty at empties_at_ms holds at most half of its size now."""
        return 2 * (empties_at_ms - now_ms) <= self.size * self.rate_ms

    def overflows_at_ms(self, now_ms: int) -> int:
        """Return the latest emptying time at which a bucket still takes a failure, as debt; epoch milliseconds."""
        return now_ms + (self.size - 1 + self.max_debt) * self.rate_ms
