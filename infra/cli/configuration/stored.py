"""Read the configuration that `gatehouse apply` stored, for the commands that show it. Never a secret."""

from chalicelib.store.configuration.documents import Document
from infra.errors import OperatorError
from infra.stage.aws import Stage


def stored_all(stage: Stage, kind: str) -> list[Document]:
    """Return the documents of a kind (realm, api or client), sorted by name, with the keys of the tenant file."""
    found = sorted(stage.config().documents(), key=lambda pair: pair[0])
    return [_without_secrets(document) for key, document in found if key.startswith(f"{kind}#")]


def stored_one(stage: Stage, kind: str, name: str) -> Document:
    """Return the document of this name. Raises OperatorError if there is none, with the names that there are."""
    documents = dict(stage.config().documents())
    if f"{kind}#{name}" in documents:
        return _without_secrets(documents[f"{kind}#{name}"])
    known = sorted(key.partition("#")[2] for key in documents if key.startswith(f"{kind}#"))
    raise OperatorError(f"Stage {stage.name} has no {kind} {name}. It has: {', '.join(known) or 'none'}.")


def _without_secrets(document: Document) -> Document:
    """Return the document without its secrets' hashes, which would reveal a guessable secret."""
    if "secrets" not in document:
        return document
    return document | {"secrets": [{"expires_at": secret["expires_at"]} for secret in document["secrets"]]}
