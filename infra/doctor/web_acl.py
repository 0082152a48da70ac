"""Check of the web ACL that `gatehouse up --waf` puts before the API."""

from collections.abc import Iterator

from infra.deploy.api import AwsAccount
from infra.deploy.web_acl import acl_of, is_behind_proxies, is_ours
from infra.doctor.findings import Examined, Finding
from infra.stage.cloudformation.stack_status import SOUND, find_stack
from infra.stage.cloudformation.web_acl import stack_name

CHECK = "web ACL"


def check_web_acl(examined: Examined) -> Iterator[Finding]:
    """Find a web ACL that failed, or that stands before no API. A stage needs none."""
    name = examined.stage.name
    state = find_stack(examined.stage.cloudformation, stack_name(name))
    if state is None:
        yield Finding(CHECK, "green", "It is off: gatehouse up --waf puts one before the API.")
        return
    if state.status not in SOUND:
        mend = f"gatehouse up --waf --stage {name} TENANT_FILE"
        yield Finding(CHECK, "amber", f"Stack {state.name} is {state.status}.", mend)
        return
    if is_behind_proxies(examined.stage, examined.project):
        message = "It counts each proxy as one caller (GATEHOUSE_TRUSTED_PROXIES), and so locks all people out."
        yield Finding(CHECK, "red", message, f"gatehouse up --no-waf --stage {name} TENANT_FILE")
        return
    apis = AwsAccount(examined.project).apis_of(name)
    unprotected = [api.rest_api_id for api in apis if not is_ours(examined.stage, acl_of(examined.project, api))]
    if unprotected or not apis:
        where = f"It does not stand before REST API {', '.join(unprotected)}." if apis else "There is no API yet."
        yield Finding(CHECK, "amber", where, f"gatehouse deploy --stage {name}")
    else:
        yield Finding(CHECK, "green", "It stands before the API.")
