"""A leaky bucket for failures, kept as one number: when it will be empty. Source: GCRA, ITU-T I.371."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many failures are let through.

    size: how many at once. rate_ms: after how many milliseconds each leaves room for one more. max_debt: how many
    failures a full bucket still takes; each of them keeps it full for one rate_ms more.
    """

    size: int
    rate_ms: int
    max_debt: int = 0

    def times(self, factor: int) -> "Bucket":
        """Return the bucket of so many, filled together: each bound times the factor."""
        return Bucket(self.size * factor, -(-self.rate_ms // factor), self.max_debt)

    def opens_at_ms(self, empties_at_ms: int) -> int:
        """Return when there is room for one more failure in a bucket that will be empty then; epoch milliseconds."""
        return empties_at_ms - (self.size - 1) * self.rate_ms

    def is_full(self, empties_at_ms: int, now_ms: int) -> bool:
        """Whether there is no room for one more failure now."""
        return self.opens_at_ms(empties_at_ms) > now_ms

    def overflows_at_ms(self, now_ms: int) -> int:
        """Return the emptying time past which a bucket takes nothing more, no debt either; epoch milliseconds."""
        return now_ms + (self.size - 1 + self.max_debt) * self.rate_ms
