"""DNS records of a domain: in the account's hosted zone of Route 53, or for somebody else to make."""

from dataclasses import dataclass
from typing import Any

from infra.deploy.domain.aws import client_of
from infra.errors import OperatorError

TTL_S = 300


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record. zone_of_target: the hosted zone of an alias's target, "" for a plain record."""

    name: str
    kind: str
    value: str
    zone_of_target: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """A public hosted zone of Route 53."""

    zone_id: str
    name: str

    def put(self, record: Record) -> None:
        """Make a record, or make it anew."""
        self._change("UPSERT", record)

    def has(self, record: Record) -> bool:
        """Return whether the zone has this very record."""
        return self.find(record.name, record.kind) == record

    def find(self, name: str, kind: str) -> Record | None:
        """Return the record of a name and type, or None."""
        first = {"StartRecordName": name, "StartRecordType": kind, "MaxItems": "1"}
        listed = client_of("route53").list_resource_record_sets(HostedZoneId=self.zone_id, **first)
        for one in listed["ResourceRecordSets"]:
            if one["Name"].rstrip(".") == name.rstrip(".") and one["Type"] == kind:
                return _as_record(name, one)
        return None

    def delete(self, record: Record) -> None:
        """Delete a record, if it is this very one."""
        if self.has(record):
            self._change("DELETE", record)

    def _change(self, action: str, record: Record) -> None:
        change = {"Action": action, "ResourceRecordSet": _as_record_set(record)}
        client_of("route53").change_resource_record_sets(HostedZoneId=self.zone_id, ChangeBatch={"Changes": [change]})


def find_zone(domain: str, zone_id: str = "") -> Zone | None:
    """Return the account's public zone that a domain is in, the nearest one, or None if it has none.

    zone_id: the zone to take. Raises OperatorError if the domain is not in it, or if several zones have one name.
    """
    found = [zone for zone in zones_of(domain) if zone_id in ("", zone.zone_id)]
    if zone_id and not found:
        raise OperatorError(f"{zone_id} is no public hosted zone of this account that {domain} is in.")
    nearest = [zone for zone in found if zone.name == found[0].name]
    if len(nearest) > 1:
        ids = ", ".join(zone.zone_id for zone in nearest)
        raise OperatorError(f"The account has several zones {nearest[0].name}: name one by --zone ({ids}).")
    return nearest[0] if nearest else None


def zones_of(domain: str) -> list[Zone]:
    """Return the account's public zones that a domain is in, the nearest first."""
    listed = client_of("route53").get_paginator("list_hosted_zones").paginate().search("HostedZones[]")
    zones = [_as_zone(one) for one in listed if not one["Config"].get("PrivateZone")]
    found = [zone for zone in zones if f".{domain}".endswith(f".{zone.name}")]
    return sorted(found, key=lambda zone: len(zone.name), reverse=True)


def _as_zone(listed: dict[str, Any]) -> Zone:
    return Zone(listed["Id"].rpartition("/")[2], listed["Name"].rstrip("."))


def _as_record(name: str, listed: dict[str, Any]) -> Record:
    if alias := listed.get("AliasTarget"):
        return Record(name, listed["Type"], alias["DNSName"].rstrip("."), alias["HostedZoneId"])
    return Record(name, listed["Type"], listed["ResourceRecords"][0]["Value"])


def _as_record_set(record: Record) -> dict[str, Any]:
    named: dict[str, Any] = {"Name": record.name, "Type": record.kind}
    if record.zone_of_target:
        target = {"HostedZoneId": record.zone_of_target, "DNSName": record.value, "EvaluateTargetHealth": False}
        return named | {"AliasTarget": target}
    return named | {"TTL": TTL_S, "ResourceRecords": [{"Value": record.value}]}
