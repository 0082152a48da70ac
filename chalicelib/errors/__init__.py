"""Every error that leaves the server, as one tree. Private facts go into `reason`, which only the log gets.

WireError
├── InvalidRequest 400
│   ├── InvalidBody 400
│   ├── InvalidQueryString 400
│   ├── RequestTooLarge 413
│   └── UnsupportedMediaType 415
├── InvalidClient 401
├── InvalidGrant 400
├── InvalidTarget 400
├── InvalidScope 400
├── UnauthorizedClient 400
├── UnsupportedGrantType 400
├── UnsupportedTokenType 400
├── InvalidToken 401
├── ExpiredToken 401
├── AuthorizationPending 400
├── SlowDown 400
├── UnsupportedChallengeType 400
├── InvalidAuthenticator 400
├── PasswordLeaked 401
├── InsufficientScope 403
├── InvalidSignup 400
├── UsernameExists 400
├── InvalidPassword 400
├── SignupDisabled 403
├── AccessDenied 403
├── InteractionRequired 403
├── MfaRequired 403
├── Unauthorized 403
├── NotFound 404
├── InexistentUser 404
├── MethodNotAllowed 405
├── Conflict 409
├── TooManyAttempts 429
│   └── TooManyRequests 429
├── ServerError 500
└── TemporarilyUnavailable 503
"""

from chalicelib.errors.accounts import InvalidPassword, InvalidSignup, SignupDisabled, UsernameExists
from chalicelib.errors.auth0 import (
    AccessDenied,
    ExpiredToken,
    InteractionRequired,
    InvalidAuthenticator,
    MfaRequired,
    PasswordLeaked,
    RateLimit,
    TooManyAttempts,
    Unauthorized,
    UnsupportedChallengeType,
)
from chalicelib.errors.http import (
    MethodNotAllowed,
    NotFound,
    RequestTooLarge,
    ServerError,
    TemporarilyUnavailable,
    UnsupportedMediaType,
    is_refusal,
)
from chalicelib.errors.management import Conflict, InexistentUser, InvalidBody, InvalidQueryString, TooManyRequests
from chalicelib.errors.oauth import (
    AuthorizationPending,
    InsufficientScope,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    SlowDown,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedTokenType,
)
from chalicelib.errors.root import WireError, echo, printable

__all__ = [
    "AccessDenied",
    "AuthorizationPending",
    "Conflict",
    "ExpiredToken",
    "InexistentUser",
    "InsufficientScope",
    "InteractionRequired",
    "InvalidAuthenticator",
    "InvalidBody",
    "InvalidClient",
    "InvalidGrant",
    "InvalidPassword",
    "InvalidQueryString",
    "InvalidRequest",
    "InvalidScope",
    "InvalidSignup",
    "InvalidTarget",
    "InvalidToken",
    "MethodNotAllowed",
    "MfaRequired",
    "NotFound",
    "PasswordLeaked",
    "RateLimit",
    "RequestTooLarge",
    "ServerError",
    "SignupDisabled",
    "SlowDown",
    "TemporarilyUnavailable",
    "TooManyAttempts",
    "TooManyRequests",
    "Unauthorized",
    "UnauthorizedClient",
    "UnsupportedChallengeType",
    "UnsupportedGrantType",
    "UnsupportedMediaType",
    "UnsupportedTokenType",
    "UsernameExists",
    "WireError",
    "echo",
    "is_refusal",
    "printable",
]
