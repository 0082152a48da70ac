"""The secrets of clients as they are stored: hashes, of which the latest has no end."""

import hashlib
import secrets

from chalicelib.store.configuration.config import MAX_KEY_BYTES, ConfigStore
from chalicelib.store.configuration.documents import Document

SECRET_METHODS = ("client_secret_post", "client_secret_basic")
SECRET_BYTES = 32
ENDED = 0


class NoSecret(Exception):
    """There is no such client, or it has no secret."""


class ChangedMeanwhile(Exception):
    """Another change of the client was faster."""


def make_secret() -> str:
    """Return a new client secret."""
    return secrets.token_urlsafe(SECRET_BYTES)


def sha256(secret: str) -> str:
    """Return a client secret's stored form."""
    return hashlib.sha256(secret.encode()).hexdigest()


def rotate_secret(
    config: ConfigStore, client_id: str, old_ends_at: int, is_of_live: bool = False
) -> tuple[str, Document]:
    """Give a client a new secret, and return it with the client's document. Raises NoSecret, ChangedMeanwhile.

    old_ends_at: when the latest old secret ends, in epoch seconds. is_of_live: whether a disabled client is none.
    """
    key = f"client#{client_id}"
    (document,) = config.read_fresh(key) if len(key.encode()) <= MAX_KEY_BYTES else (None,)
    if document is None or document["token_endpoint_auth_method"] not in SECRET_METHODS:
        raise NoSecret(client_id)
    if is_of_live and document.get("disabled"):
        raise NoSecret(client_id)
    secret = make_secret()
    # Only the latest secret overlaps: an older one ends now. Ended secrets stay in the list, because an apply of a
    # file that still holds one would bring it back otherwise.
    old = [one | {"expires_at": old_ends_at if one["expires_at"] is None else ENDED} for one in document["secrets"]]
    rotated = document | {"secrets": [{"sha256": sha256(secret), "expires_at": None}, *old]}
    if not config.replace(key, document, rotated):
        raise ChangedMeanwhile(client_id)
    return secret, rotated
