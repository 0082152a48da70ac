"""The choice between the thin path to AWS and botocore, by the environment."""

import re
from collections.abc import Callable, Mapping

from chalicelib.settings import find_aws_folder

# The Regions of the partition `aws`, whose endpoints all have one form.
_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]")
# The thin path reads these as botocore does.
_HONOURED = {"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
# Lambda sets these, and botocore does nothing by them for DynamoDB and KMS. Two of them it reads under conditions.
_WITHOUT_EFFECT = {"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_EXECUTION_ENV", "AWS_REGION", "AWS_SECURITY_TOKEN"}
_FAMILIES_WITHOUT_EFFECT = ("AWS_LAMBDA_", "AWS_XRAY_")
_OF_BOTOCORE = ("AWS_", "BOTO", "REQUESTS_CA_BUNDLE")


def needs_botocore(
    environ: Mapping[str, str], find_folder: Callable[[Mapping[str, str]], str | None] = find_aws_folder
) -> str | None:
    """Return why the thin path cannot serve this environment, or None if it can.

    Every setting that is not known to be honoured, or to do nothing, is a reason, whatever its value.
    find_folder: the folder that holds the files of AWS's command line, if there is one.
    """
    for name in sorted(environ):
        if name.startswith(_OF_BOTOCORE) and not _is_known(name):
            return f"{name} is set"
        if _is_proxy(name) and environ[name]:
            return f"{name} is set"
    folder = find_folder(environ)
    return _judge_values(environ) or (f"{folder} is there" if folder else None)


def _is_known(name: str) -> bool:
    return name in _HONOURED or name in _WITHOUT_EFFECT or name.startswith(_FAMILIES_WITHOUT_EFFECT)


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy") and name.lower() != "no_proxy"


def _judge_values(environ: Mapping[str, str]) -> str | None:
    region, token = environ.get("AWS_DEFAULT_REGION", ""), environ.get("AWS_SESSION_TOKEN", "")
    if not environ.get("AWS_ACCESS_KEY_ID") or not environ.get("AWS_SECRET_ACCESS_KEY"):
        return "the environment holds no credentials"
    if environ.get("AWS_SECURITY_TOKEN", token) != token:
        return "AWS_SECURITY_TOKEN is not AWS_SESSION_TOKEN"
    if environ.get("AWS_REGION", region) != region:
        return "AWS_REGION is not AWS_DEFAULT_REGION"
    return None if _REGION.fullmatch(region) else f"AWS_DEFAULT_REGION is {region!r}, no Region of the partition aws"
