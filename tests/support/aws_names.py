"""TLS for a server that stands for AWS: a certificate of AWS's names, by an authority of the tests' own."""

import ssl
from pathlib import Path

import trustme

from infra.local.emulated_aws import REGION

SERVICES = ("dynamodb", "kms", "logs")


def make_tls(authorities: Path) -> ssl.SSLContext:
    """Return a server's context for the endpoints of DynamoDB and KMS. authorities: becomes the file of who vouches."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(f"{service}.{REGION}.amazonaws.com" for service in SERVICES)).configure_cert(context)
    authority.cert_pem.write_to_path(authorities)
    return context
