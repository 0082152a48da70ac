"""Lead a domain to a stage's API: certificate, domain, mapping, DNS record. Each step is done once; a run goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.deploy.api import DeployedApi
from infra.deploy.domain.certificates import (
    ISSUED,
    PENDING,
    Certificate,
    find_certificate,
    read_certificate,
    request_certificate,
    require_own_certificate,
)
from infra.deploy.domain.gateway import GatewayDomain, find_usable_domain, make_domain
from infra.deploy.domain.records import Record, Zone
from infra.errors import OperatorError
from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange

# ACM looks for its record every few minutes at first.
LOOKS, LOOK_PAUSE_S = 40, 15


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a domain got. is_mapped: whether API Gateway leads it to the API. to_make: records for others to make."""

    is_mapped: bool
    to_make: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainSetup:
    """A domain that is to lead to the API of a stage.

    own_certificate: the ARN of one that the team brings; "" has ACM issue one. zone: the account's zone that the domain
    is in, or None if its DNS is elsewhere.
    """

    stage: Stage
    name: str
    api: DeployedApi
    own_certificate: str
    zone: Zone | None

    def plan(self) -> Iterator[PlannedChange]:
        """Yield what a run would make, but for what it made already. Raises OperatorError if it could not go on."""
        domain = self._find_domain()
        if self.own_certificate:
            require_own_certificate(self.own_certificate, self.name)
        held = self.own_certificate or (domain and domain.certificate)
        if not held and not find_certificate(self.stage.name, self.name):
            yield PlannedChange("create", f"certificate of {self.name}", "by AWS Certificate Manager, free of charge")
        if domain is None:
            yield PlannedChange("create", f"domain {self.name} of API Gateway", "TLS 1.2 at least")
        if domain is None or domain.mapped() is None:
            yield PlannedChange(
                "create", f"mapping of {self.name}", f"its root leads to REST API {self.api.rest_api_id}"
            )
        if self.zone and (domain is None or not self.zone.has(domain.alias)):
            if self._record_of_others():
                yield PlannedChange("keep", f"record {self.name}", "DNS leads it elsewhere: you change that")
            else:
                yield PlannedChange("create", f"record {self.name} A", f"in the zone {self.zone.name}")

    def advance(self, tell: Callable[[str], object]) -> Progress:
        """Do the steps that are left, as far as they go. Raises OperatorError if they lead nowhere.

        tell: takes the words for each step, before it is done.
        """
        domain = self._find_domain()
        certificate = self._find_certificate(domain, tell)
        if certificate.status == PENDING:
            proof = certificate.proof
            return Progress(False, (proof,) if proof and not (self.zone and self.zone.has(proof)) else ())
        if certificate.status != ISSUED:
            raise OperatorError(
                f"ACM does not issue the certificate {certificate.arn}: {certificate.status}. "
                "If a CAA record of the domain forbids it, allow amazon.com. Run this again for another certificate."
            )
        if domain is None:
            tell(f"Making the domain {self.name} in API Gateway")
            domain = make_domain(self.stage.name, self.name, certificate.arn)
        domain.map(self.api)
        return Progress(True, self._lead(domain))

    def _find_domain(self) -> GatewayDomain | None:
        return find_usable_domain(self.stage.name, self.name, self.own_certificate, self.api)

    def _find_certificate(self, domain: GatewayDomain | None, tell: Callable[[str], object]) -> Certificate:
        if self.own_certificate:
            return require_own_certificate(self.own_certificate, self.name)
        if domain and domain.certificate:
            return read_certificate(domain.certificate)
        found = find_certificate(self.stage.name, self.name)
        if found is None:
            tell(f"Asking for a certificate of {self.name}")
            found = request_certificate(self.stage.name, self.name)
        return self._prove(found, tell)

    def _prove(self, certificate: Certificate, tell: Callable[[str], object]) -> Certificate:
        """Put the proof into the zone, and wait until ACM has seen it. If DNS is elsewhere, wait for its words only."""
        for look in range(LOOKS):
            proof = certificate.proof
            if proof and self.zone and not self.zone.has(proof):
                self.zone.put(proof)
                tell(f"Waiting up to {LOOKS * LOOK_PAUSE_S // 60} minutes for the certificate")
            if certificate.status != PENDING or (proof and not self.zone):
                break
            self.stage.pause(LOOK_PAUSE_S if look else 1)
            certificate = read_certificate(certificate.arn)
        return certificate

    def _lead(self, domain: GatewayDomain) -> tuple[Record, ...]:
        """Make the record that leads to the domain, unless DNS leads it elsewhere, as to Auth0: return it then."""
        if self.zone is None:
            return (domain.cname,)
        if self.zone.has(domain.alias):
            return ()
        if self._record_of_others():
            return (domain.alias,)
        self.zone.put(domain.alias)
        return ()

    def _record_of_others(self) -> bool:
        return bool(self.zone and any(self.zone.find(self.name, kind) for kind in ("A", "AAAA", "CNAME")))
