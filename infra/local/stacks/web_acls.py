"""The web ACLs and IP sets of a stack in moto, whose CloudFormation leaves them out."""

from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import JsonRESTError
from moto.wafv2.models import FakeIPSet, FakeWebACL, wafv2_backends

from infra.local.stacks.model import Kind, Model, Properties


def _find_acl(account: str, region: str, name: str) -> FakeWebACL | None:
    return next((one for one in wafv2_backends[account][region].wacls.values() if one.name == name), None)


def _put_acl(account: str, region: str, name: str, properties: Properties) -> None:
    backend, known = wafv2_backends[account][region], _find_acl(account, region, name)
    # A rule that a condition leaves out is None here.
    rules = [rule for rule in properties["Rules"] if rule]
    shown, default, words = properties["VisibilityConfig"], properties["DefaultAction"], properties["Description"]
    bodies = properties.get("CustomResponseBodies")
    if known:
        lock = known.lock_token
        backend.update_web_acl(name, known.id, default, rules, words, shown, lock, bodies, None, None, None, None)
    else:
        scope = properties["Scope"]
        backend.create_web_acl(name, shown, default, scope, words, [], rules, None, None, None, bodies, None)


def _delete_acl(account: str, region: str, name: str, properties: Properties) -> None:
    found = _find_acl(account, region, name)
    if found is None:
        return
    if found.associated_resources:
        raise JsonRESTError("WAFAssociatedItemException", f"{name} protects {', '.join(found.associated_resources)}.")
    wafv2_backends[account][region].delete_web_acl(name, properties["Scope"], found.id, found.lock_token)


def _find_set(account: str, region: str, name: str) -> FakeIPSet | None:
    return next((one for one in wafv2_backends[account][region].ip_sets.values() if one.name == name), None)


def _put_set(account: str, region: str, name: str, properties: Properties) -> None:
    backend, known = wafv2_backends[account][region], _find_set(account, region, name)
    scope, words, addresses = properties["Scope"], properties["Description"], properties["Addresses"]
    if known:
        backend.update_ip_set(name, scope, known.ip_set_id, words, addresses, known.lock_token)
    else:
        backend.create_ip_set(name, scope, words, properties["IPAddressVersion"], addresses, [])


def _delete_set(account: str, region: str, name: str, properties: Properties) -> None:
    found = _find_set(account, region, name)
    if found:
        backend = wafv2_backends[account][region]
        backend.delete_ip_set(name, properties["Scope"], found.ip_set_id, found.lock_token)


def _set_arn(account: str, region: str, name: str) -> str:
    found = _find_set(account, region, name)
    return found.arn if found else ""


def _acl_arn(account: str, region: str, name: str) -> str:
    found = _find_acl(account, region, name)
    return found.arn if found else ""


class WebAcl(Model, CloudFormationModel):
    """A web ACL of a stack. As at AWS, it cannot be deleted while it protects something."""

    kind = Kind("AWS::WAFv2::WebACL", "Name", _put_acl, _delete_acl, _acl_arn)


class IpSet(Model, CloudFormationModel):
    """An IP set of a stack."""

    kind = Kind("AWS::WAFv2::IPSet", "Name", _put_set, _delete_set, _set_arn)
