"""Refuse client secrets that can be guessed or are public, in all stages but dev."""

from pathlib import Path

from infra.errors import OperatorError
from infra.tenant.file import load
from infra.tenant.schema import TenantFile

DEMO = Path(__file__).resolve().parents[1] / "local" / "demo-tenant.yaml"
# 128 bits in base64.
MIN_LENGTH = 22
LENIENT_STAGE = "dev"


def require_strong_secrets(stage: str, file: TenantFile) -> None:
    """Raise OperatorError, without the secret, if it is short or the demo's and the stage is not dev.

    Secrets are stored as plain SHA-256, which is safe only for a secret that cannot be guessed.
    """
    if stage == LENIENT_STAGE:
        return
    known = {client.client_secret for client in load(DEMO).clients}
    written = [client for client in file.clients if client.client_secret is not None]
    weak = [one.client_id for one in written if len(one.client_secret or "") < MIN_LENGTH or one.client_secret in known]
    if weak:
        raise OperatorError(
            f"Stage {stage} takes no client secret under {MIN_LENGTH} characters, and none of the demo tenant: "
            f"{', '.join(weak)}. Leave `client_secret` out there, and `gatehouse apply` makes one."
        )
