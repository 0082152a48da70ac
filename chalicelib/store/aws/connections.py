"""Aws, by the path that serves the environment: the thin one if it can, botocore otherwise."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from chalicelib.store.aws import budget
from chalicelib.store.aws.botocore_version import find_botocore, require_botocore
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.environment import needs_botocore
from chalicelib.store.aws.thin_client import ThinClient
from chalicelib.store.aws.transport import KeepAlive, Transport, connect_by_tls
from chalicelib.tls import has_authorities

if TYPE_CHECKING:
    from chalicelib.store.aws.botocore_caller import BotocoreCaller

NO_AUTHORITIES = "the system has no file of TLS authorities"


def connect(environ: Mapping[str, str], report: Callable[[str], None]) -> Aws:
    """Return AWS for a function. report: told why botocore serves, if it does.

    Raises BadSettings if the runtime's botocore is too old. Messages need it on the thin path too.
    """
    version = find_botocore()
    if version:
        require_botocore(version)
    reason = needs_botocore(environ) or (None if has_authorities() else NO_AUTHORITIES)
    if reason is None:
        connect_to = partial(connect_by_tls, timeout_s=budget.CONNECT_TIMEOUT_S)
        return connect_over(KeepAlive(connect_to, budget.READ_TIMEOUT_S), environ)
    report(reason)
    caller = _make_botocore_caller()
    for service in ("dynamodb", "kms"):
        caller.client_of(service)
    return Aws(caller, lambda: caller)


def connect_over(transport: Transport, environ: Mapping[str, str]) -> Aws:
    """Return AWS by the thin path over a transport; messages alone go by botocore."""
    caller = ThinClient(transport, environ, lambda pause_s: budget.current().has_time(pause_s))
    return Aws(caller, cache(_make_botocore_caller))


def _make_botocore_caller() -> "BotocoreCaller":
    # Its import takes longer than everything else that a function imports.
    from chalicelib.store.aws.botocore_caller import make_function_caller  # noqa: PLC0415

    return make_function_caller()
