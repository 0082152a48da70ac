"""Take the domains of a stage away again: those that bear its tag, with their records and certificates."""

from collections.abc import Iterator
from functools import partial

from infra.deploy.domain.aws import client_of
from infra.deploy.domain.certificates import read_certificate, requested_certificates
from infra.deploy.domain.gateway import stage_domains
from infra.deploy.domain.records import find_zone
from infra.deploy.down.part import Part


def domain_parts(stage: str, name: str = "") -> Iterator[Part]:
    """Yield what leads to a stage by domains of its own, in the order in which it can be deleted.

    name: the one domain that is meant; "" means all.
    """
    for domain in stage_domains(stage):
        if name in ("", domain.name):
            zone = find_zone(domain.name)
            if zone and zone.has(domain.alias):
                yield Part(f"record {domain.name} A", partial(zone.delete, domain.alias))
            yield Part(f"domain {domain.name}", domain.delete)
    acm = client_of("acm")
    for arn, of in requested_certificates(stage):
        if name in ("", of):
            proof, zone = read_certificate(arn).proof, find_zone(of)
            if proof and zone and zone.has(proof):
                yield Part(f"record {proof.name.rstrip('.')} {proof.kind}", partial(zone.delete, proof))
            yield Part(f"certificate of {of}", partial(acm.delete_certificate, CertificateArn=arn))
