"""Take the domains of a stage away again: those that bear its tag, with their records and certificates."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

from infra.deploy.api import DeployedApi
from infra.deploy.domain.aws import client_of
from infra.deploy.domain.certificates import read_certificate, requested_certificates
from infra.deploy.domain.gateway import GatewayDomain, find_domain, stage_domains
from infra.deploy.domain.records import Record, zones_of
from infra.deploy.down.part import Part


def domain_parts(stage: str, apis: Sequence[DeployedApi], name: str = "") -> Iterator[Part]:
    """Yield what leads to a stage by domains of its own, in the order in which it can be deleted.

    apis: those of the stage. A domain that was led to another by hand serves that one, and is none of these parts.
    name: the one domain that is meant; "" means all.
    """
    others = led_away(stage, apis)
    for domain in stage_domains(stage):
        if name in ("", domain.name) and domain not in others:
            yield from _record_parts(domain.name, domain.alias)
            yield Part(f"domain {domain.name}", domain.delete)
    for arn, of in requested_certificates(stage):
        if name in ("", of) and arn not in [domain.certificate for domain in others]:
            proof = read_certificate(arn).proof
            if proof:
                yield from _record_parts(of, proof)
            yield Part(f"certificate of {of}", partial(_delete_certificate, arn))


def led_away(stage: str, apis: Sequence[DeployedApi]) -> list[GatewayDomain]:
    """Return the domains that bear a stage's tag, and lead to an API that is none of the stage's."""
    own = [api.rest_api_id for api in apis]
    return [domain for domain in stage_domains(stage) if (mapped := domain.mapped()) and mapped[0] not in own]


def mapping_parts(name: str, apis: Sequence[DeployedApi]) -> Iterator[Part]:
    """Yield the mapping of a domain to one of these APIs. It goes too if the domain is not the stage's and stays."""
    domain = find_domain(name)
    mapped = domain.mapped() if domain else None
    if domain and mapped and mapped[0] in [api.rest_api_id for api in apis]:
        yield Part(f"mapping of {name} to REST API {mapped[0]}", domain.unmap)


def _record_parts(domain: str, record: Record) -> Iterator[Part]:
    # --zone may have named a zone that is not the nearest.
    for zone in zones_of(domain):
        if zone.has(record):
            yield Part(f"record {record.name.rstrip('.')} {record.kind}", partial(zone.delete, record))


def _delete_certificate(arn: str) -> None:
    """Delete a certificate, unless API Gateway still holds it, as it does for minutes after it deleted its domain."""
    acm = client_of("acm")
    with suppress(acm.exceptions.ResourceInUseException):
        acm.delete_certificate(CertificateArn=arn)
