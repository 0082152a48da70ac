"""Make a certificate for a local run over HTTPS, and tell how clients trust it."""

from dataclasses import dataclass
from pathlib import Path

import trustme

from infra.gateway.serving import Tls

DIRECTORY = Path(".gatehouse")


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """A server certificate and the authority that signed it, as PEM files. Each run makes its own."""

    tls: Tls
    ca_file: Path


def make_certificate(host: str, directory: Path = DIRECTORY) -> LocalCertificate:
    """Make a certificate for this host, localhost and 127.0.0.1. directory: for its files; it is made if need be."""
    directory.mkdir(exist_ok=True)
    authority = trustme.CA(organization_name="Gatehouse local run")
    server = authority.issue_cert(*dict.fromkeys([host.strip("[]"), "localhost", "127.0.0.1"]))
    made = LocalCertificate(Tls(directory / "server.pem", directory / "server-key.pem"), directory / "ca.pem")
    made.tls.private_key.touch(mode=0o600)
    server.private_key_pem.write_to_path(made.tls.private_key)
    made.tls.certificate.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    authority.cert_pem.write_to_path(made.ca_file)
    return made


def trust_lines(certificate: LocalCertificate) -> str:
    """Return the commands that make Python and Node clients trust the certificate."""
    path = certificate.ca_file.resolve()
    return "\n".join(
        [
            "To trust this run's certificate:",
            f"  Python  export SSL_CERT_FILE='{path}' REQUESTS_CA_BUNDLE='{path}'",
            f"  Node    export NODE_EXTRA_CA_CERTS='{path}'",
            "",
        ]
    )
