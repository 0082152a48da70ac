"""The certificate of a stage's domain, from AWS Certificate Manager: it proves by DNS who has the domain."""

import secrets
from dataclasses import dataclass
from typing import Any

from infra.deploy.domain.aws import client_of, stage_tag
from infra.deploy.domain.records import Record
from infra.errors import OperatorError

ISSUED, PENDING = "ISSUED", "PENDING_VALIDATION"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of ACM. proof: the record that DNS has to have before it is issued; None until ACM names it."""

    arn: str
    status: str
    proof: Record | None = None


def find_certificate(stage: str, domain: str) -> Certificate | None:
    """Return the certificate that was requested for a stage's domain, or None. One that failed is none."""
    for arn, name in requested_certificates(stage):
        found = read_certificate(arn)
        if name == domain and found.status in (ISSUED, PENDING):
            return found
    return None


def request_certificate(stage: str, domain: str) -> Certificate:
    """Ask ACM for a certificate of a stage's domain, with the stage's tag."""
    tags = [{"Key": key, "Value": value} for key, value in stage_tag(stage).items()]
    # A call that botocore repeats makes one certificate; the next run finds that by its tag.
    asked = {"DomainName": domain, "ValidationMethod": "DNS", "IdempotencyToken": secrets.token_hex(16)}
    return read_certificate(client_of("acm").request_certificate(**asked, Tags=tags)["CertificateArn"])


def read_certificate(arn: str) -> Certificate:
    """Return a certificate as it stands now."""
    return _as_certificate(_describe(arn))


def require_own_certificate(arn: str, domain: str) -> Certificate:
    """Return a certificate that the team brings. Raises OperatorError if it cannot serve the domain."""
    described = _describe(arn)
    names = described.get("SubjectAlternativeNames", [described["DomainName"]])
    if domain not in names and f"*.{domain.partition('.')[2]}" not in names:
        raise OperatorError(f"The certificate is for {', '.join(names)}, not for {domain}.")
    found = _as_certificate(described)
    if found.status != ISSUED:
        raise OperatorError(f"The certificate is not issued: ACM says {found.status}.")
    return found


def requested_certificates(stage: str) -> list[tuple[str, str]]:
    """Return the ARN and the domain of each certificate that was requested for a stage."""
    acm = client_of("acm")
    listed = acm.get_paginator("list_certificates").paginate().search("CertificateSummaryList[]")
    wanted = [{"Key": key, "Value": value} for key, value in stage_tag(stage).items()]
    return [
        (one["CertificateArn"], one["DomainName"])
        for one in listed
        if wanted[0] in acm.list_tags_for_certificate(CertificateArn=one["CertificateArn"])["Tags"]
    ]


def _describe(arn: str) -> dict[str, Any]:
    acm = client_of("acm")
    try:
        described: dict[str, Any] = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except acm.exceptions.ResourceNotFoundException as missing:
        raise OperatorError(f"ACM has no certificate {arn} in this account and Region.") from missing
    return described


def _as_certificate(described: dict[str, Any]) -> Certificate:
    options = described.get("DomainValidationOptions", [])
    proofs = [one["ResourceRecord"] for one in options if "ResourceRecord" in one]
    proof = Record(proofs[0]["Name"], proofs[0]["Type"], proofs[0]["Value"]) if proofs else None
    return Certificate(described["CertificateArn"], described["Status"], proof)
