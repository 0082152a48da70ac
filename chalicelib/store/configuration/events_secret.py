"""The secret that a webhook's events are signed with, sealed in the config table (docs/adr/0013)."""

import secrets

from chalicelib.errors import ServerError
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.configuration.vault import Vault, seal, unseal

# The key of its document, and the owner that the vault binds it to.
SECRET, OWNER = "events_secret", "events"
SECRET_BYTES = 32


def make_secret(config: ConfigStore, vault: Vault) -> str:
    """Store a new secret in place of the old one, and return it. For the tools."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    data_key, stored = vault.new_key(OWNER)
    config.put(SECRET, {"data_key": stored, "sealed": seal(data_key, secret, OWNER)})
    return secret


def open_secret(config: ConfigStore, vault: Vault) -> str:
    """Return the secret. Raises ServerError if the operator has made none."""
    (document,) = config.read_fresh(SECRET)
    if document is None:
        raise ServerError("The service is not set up.", reason="no secret: run gatehouse events rotate-secret")
    return unseal(vault.open_key(document["data_key"], OWNER), document["sealed"], OWNER)
