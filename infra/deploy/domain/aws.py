"""Clients of the services that a domain needs. No stubs of ACM and Route 53 are installed, so none has a type."""

from typing import Any

from chalicelib.rotation.kms_keys import STAGE_TAG
from infra.deploy.api import VERY_PATIENT
from infra.stage.aws import new_session


def client_of(service: str) -> Any:
    """Return a client of a service, by botocore's name for it, which slows down when it is throttled."""
    make: Any = new_session().client
    return make(service, config=VERY_PATIENT)


def stage_tag(stage: str) -> dict[str, str]:
    """Return the tag by which a stage's things are found."""
    return {STAGE_TAG: stage}
