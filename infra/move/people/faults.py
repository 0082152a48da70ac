"""The fault of one row of a file of people, in Auth0's words."""

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "ANY_OF_MISSING",
    "ARRAY_LENGTH_LONG",
    "ARRAY_LENGTH_SHORT",
    "CONFLICT",
    "CONFLICT_EMAIL",
    "CONFLICT_USERNAME",
    "DUPLICATED_USER",
    "ENUM_MISMATCH",
    "FORMAT",
    "INVALID_TYPE",
    "MAX_LENGTH",
    "MAXIMUM",
    "MFA_FACTORS_FAILED",
    "MIN_LENGTH",
    "MINIMUM",
    "NOT_PASSED",
    "OBJECT_REQUIRED",
    "PATTERN",
]


@dataclass(frozen=True)
class RowFault(Exception):
    """A row that cannot become a person. message: one sentence, without any value of the row."""

    field: str
    code: Code
    message: str
