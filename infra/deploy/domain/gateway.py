"""A domain of API Gateway, and the mapping of its root to a stage's API."""

from dataclasses import dataclass
from typing import Any

from chalicelib.rotation.kms_keys import STAGE_TAG
from infra.deploy.api import DeployedApi
from infra.deploy.domain.aws import client_of, stage_tag
from infra.deploy.domain.records import Record
from infra.errors import OperatorError

ROOT = "(none)"


@dataclass(frozen=True, slots=True)
class GatewayDomain:
    """A domain that API Gateway answers for. target: the name that DNS leads it to, in zone_id; "" if not regional.

    stage: the stage that made it, "" for a domain that somebody made by hand.
    """

    name: str
    certificate: str
    target: str
    zone_id: str
    stage: str

    @property
    def alias(self) -> Record:
        """The record of Route 53 that leads to it."""
        return Record(self.name, "A", self.target, self.zone_id)

    @property
    def cname(self) -> Record:
        """The record of any other DNS that leads to it."""
        return Record(self.name, "CNAME", self.target)

    def mapped(self) -> tuple[str, str] | None:
        """Return the REST API and the stage that the root leads to, or None."""
        pages = client_of("apigateway").get_paginator("get_base_path_mappings").paginate(domainName=self.name)
        found = [one for one in pages.search("items[]") if one and one["basePath"] in (ROOT, "")]
        return (found[0]["restApiId"], found[0].get("stage", "")) if found else None

    def map(self, api: DeployedApi) -> None:
        """Lead the root to an API, if it leads nowhere."""
        if self.mapped() is None:
            where = {"domainName": self.name, "basePath": ROOT, "restApiId": api.rest_api_id, "stage": api.stage}
            client_of("apigateway").create_base_path_mapping(**where)

    def unmap(self) -> None:
        """Lead the root nowhere."""
        client_of("apigateway").delete_base_path_mapping(domainName=self.name, basePath=ROOT)

    def delete(self) -> None:
        """Delete the domain with its mappings. The clients that still use it are then refused by DNS or TLS."""
        client_of("apigateway").delete_domain_name(domainName=self.name)


def find_domain(name: str) -> GatewayDomain | None:
    """Return a domain of this account and Region, or None."""
    gateway = client_of("apigateway")
    try:
        return _as_domain(gateway.get_domain_name(domainName=name))
    except gateway.exceptions.NotFoundException:
        return None


def find_usable_domain(stage: str, name: str, certificate: str, api: DeployedApi) -> GatewayDomain | None:
    """Return a domain, or None. Raises OperatorError if it cannot lead to the API of a stage as it is.

    certificate: the ARN of the one that it should have, "" if any will do.
    """
    found = find_domain(name)
    if found is None:
        return None
    if found.stage not in ("", stage):
        # That stage's `down` would delete it.
        raise OperatorError(
            f"{name} is the domain of stage {found.stage}. "
            f"Take it away there first: gatehouse domain --stage {found.stage} {name} --remove"
        )
    mapped = found.mapped()
    if not found.target:
        fault, command = "is no regional domain", "delete-domain-name"
    elif certificate not in ("", found.certificate):
        operations = f"op=replace,path=/regionalCertificateArn,value={certificate}"
        fault, command = "has another certificate", f"update-domain-name --patch-operations {operations}"
    elif mapped and mapped != (api.rest_api_id, api.stage):
        fault = f"leads to REST API {mapped[0]}, stage {mapped[1]}, and not to {api.rest_api_id}"
        command = f"delete-base-path-mapping --base-path '{ROOT}'"
    else:
        return found
    raise OperatorError(f"{name} {fault}. Change that first: aws apigateway {command} --domain-name {name}")


def make_domain(stage: str, name: str, certificate: str) -> GatewayDomain:
    """Make a domain of this Region, with TLS 1.2 at least and the stage's tag."""
    own = {"regionalCertificateArn": certificate, "endpointConfiguration": {"types": ["REGIONAL"]}}
    made = client_of("apigateway").create_domain_name(
        domainName=name, securityPolicy="TLS_1_2", tags=stage_tag(stage), **own
    )
    return _as_domain(made)


def stage_domains(stage: str) -> list[GatewayDomain]:
    """Return the domains of this Region that bear a stage's tag."""
    listed = client_of("apigateway").get_paginator("get_domain_names").paginate().search("items[]")
    return [found for found in (_as_domain(one) for one in listed if one) if found.stage == stage]


def _as_domain(found: dict[str, Any]) -> GatewayDomain:
    is_regional = "REGIONAL" in found.get("endpointConfiguration", {}).get("types", [])
    target = found.get("regionalDomainName", "") if is_regional else ""
    certificate, zone_id = found.get("regionalCertificateArn", ""), found.get("regionalHostedZoneId", "")
    stage = found.get("tags", {}).get(STAGE_TAG, "")
    return GatewayDomain(found["domainName"], certificate, target, zone_id, stage)
