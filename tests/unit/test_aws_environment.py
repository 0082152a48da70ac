"""Which path to AWS serves which environment: a setting that the thin path does not honour selects botocore."""

import re
from itertools import chain
from pathlib import Path

import botocore
import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, DEFAULT_S3_CONFIG_VARS
from botocore.credentials import EnvProvider
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader

from chalicelib.store.aws.environment import needs_botocore
from chalicelib.store.aws.sigv4 import Signer

# A function's, as Lambda documents it ("Defined runtime environment variables").
IN_LAMBDA = {
    "AWS_ACCESS_KEY": "AKIDEXAMPLE",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_FUNCTION_NAME": "gatehouse-live",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/gatehouse-live",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/27/[$LATEST]1",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_REGION": "eu-west-1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SECRET_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    "GATEHOUSE_STAGE": "live",
    "LAMBDA_TASK_ROOT": "/var/task",
    "PATH": "/var/lang/bin",
    "TZ": ":UTC",
    "_AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129",
    "_HANDLER": "app.app",
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
}
# What botocore reads and the thin path honours, or what does nothing for DynamoDB and KMS on either.
THIN = {
    "AWS_ACCESS_KEY_ID": "read for each call",
    "AWS_SECRET_ACCESS_KEY": "read for each call",
    "AWS_SESSION_TOKEN": "read for each call",
    "AWS_SECURITY_TOKEN": "the old name of AWS_SESSION_TOKEN; only with the same value",
    "AWS_DEFAULT_REGION": "names the endpoints; only of the partition aws",
    "AWS_REGION": "botocore looks at it for AWS_DEFAULTS_MODE=auto alone; only with the same value",
    "AWS_EXECUTION_ENV": "named in botocore's User-Agent, and looked at for AWS_DEFAULTS_MODE=auto",
    "AWS_LAMBDA_FUNCTION_NAME": "botocore passes the trace on in a function; DynamoDB and KMS make nothing of it",
    "_X_AMZN_TRACE_ID": "the same",
    "SSLKEYLOGFILE": "both paths' TLS reads it",
    "SSL_CERT_FILE": "the thin path's TLS reads it; without any, botocore serves, which brings its own",
    "SSL_CERT_DIR": "the same",
}
BOTOCORE = {
    # Credentials from elsewhere, or with an end.
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIAL_FILE",
    "AWS_CREDENTIAL_EXPIRATION", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_LOGIN_CACHE_DIRECTORY",
    "AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_IMDS_USE_IPV6", "AWS_STS_REGIONAL_ENDPOINTS",
    # Other endpoints. AWS_ACCOUNT_ID names one of DynamoDB's.
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_KMS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_ACCOUNT_ID", "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_ENDPOINT_DISCOVERY_ENABLED", "AWS_DISABLE_HOST_PREFIX_INJECTION",
    # Files that can say any of it.
    "AWS_CONFIG_FILE", "AWS_DATA_PATH", "BOTO_CONFIG", "BOTOCORE_EXPERIMENTAL__PLUGINS",
    # How requests are made, signed and tried again.
    "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS", "AWS_DEFAULTS_MODE",
    "AWS_AUTH_SCHEME_PREFERENCE", "AWS_SIGV4A_SIGNING_REGION_SET", "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
    "AWS_DISABLE_REQUEST_COMPRESSION", "AWS_SDK_UA_APP_ID", "BOTOCORE_TCP_KEEPALIVE", "BOTO_DISABLE_CRT",
    "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER", "BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE",
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY",
    # Of other services or of nobody, and not worth telling apart.
    "AWS_CSM_ENABLED", "AWS_CSM_HOST", "AWS_CSM_PORT", "AWS_CSM_CLIENT_ID", "AWS_S3_USE_ARN_REGION",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
}  # fmt: skip


def reason(**changed: str) -> str | None:
    return needs_botocore(IN_LAMBDA | changed, lambda _: None)


def test_thin_path_serves_a_function() -> None:
    assert reason() is None


@pytest.mark.parametrize("name", sorted(BOTOCORE))
@pytest.mark.parametrize("value", ["true", "false", "1"])
def test_setting_that_the_thin_path_does_not_honour_selects_botocore(name: str, value: str) -> None:
    assert reason(**{name: value}) == f"{name} is set"


@pytest.mark.parametrize("name", ["AWS_A_SETTING_OF_TOMORROW", "AWS_ENDPOINT_URL_SSM", "BOTO_NEW", "BOTOCORE_NEW"])
def test_unknown_setting_selects_botocore_even_if_it_is_empty(name: str) -> None:
    assert reason(**{name: ""}) == f"{name} is set"


@pytest.mark.parametrize("name", sorted(THIN))
def test_setting_that_the_thin_path_honours_leaves_it_chosen(name: str) -> None:
    assert reason(**{name: IN_LAMBDA.get(name, "token")}) is None


def test_each_setting_that_botocore_documents_has_its_path() -> None:
    variables = chain(BOTOCORE_DEFAUT_SESSION_VARIABLES.values(), DEFAULT_S3_CONFIG_VARS.values())
    named = [name for _, name, *_ in variables if name]
    documented = {one for name in named for one in ([name] if isinstance(name, str) else name)}

    assert documented <= set(BOTOCORE) | set(THIN)


def test_each_setting_that_botocore_reads_credentials_from_has_its_path() -> None:
    names = [getattr(EnvProvider, name) for name in dir(EnvProvider) if name.isupper() and name != "METHOD"]
    read = {one for name in names for one in ([name] if isinstance(name, str) else name)}

    assert "AWS_SECURITY_TOKEN" in read
    assert {name for name in read if name.startswith("AWS_")} <= set(BOTOCORE) | set(THIN)


def test_each_setting_that_botocores_code_names_has_its_path() -> None:
    """Newer botocores may read more: whoever raises the version decides which path serves it."""
    spelt = re.compile(r"""["'](_?(?:AWS|BOTO|BOTOCORE|X_AMZN)_[A-Z0-9_]+|[A-Z_]*CA_BUNDLE|SSL[A-Z_]+)["']""")
    files = Path(botocore.__file__).parent.rglob("*.py")
    named = {name for file in files for name in spelt.findall(file.read_text("utf-8"))}

    assert "AWS_USE_FIPS_ENDPOINT" in named
    assert named <= set(BOTOCORE) | set(THIN)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
@pytest.mark.parametrize("is_there", [True, False])
def test_environment_without_credentials_selects_botocore(name: str, is_there: bool) -> None:
    environ = IN_LAMBDA | {name: ""}
    if not is_there:
        del environ[name]

    assert needs_botocore(environ, lambda _: None) == "the environment holds no credentials"


def test_session_token_may_be_missing_as_a_users_keys_have_none() -> None:
    environ = {name: value for name, value in IN_LAMBDA.items() if name != "AWS_SESSION_TOKEN"}

    assert needs_botocore(environ, lambda _: None) is None


def test_old_session_token_of_another_value_selects_botocore_which_prefers_it() -> None:
    assert reason(AWS_SECURITY_TOKEN="other") == "AWS_SECURITY_TOKEN is not AWS_SESSION_TOKEN"


def test_two_regions_select_botocore() -> None:
    assert reason(AWS_REGION="eu-central-1") == "AWS_REGION is not AWS_DEFAULT_REGION"


@pytest.mark.parametrize(
    "region", ["", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "fips-us-east-1", "us-east-1-fips",
               "aws-global", "local", "eu-west-1\n", "eu-west-1.evil.example", "eu-west-\u0661"]
)  # fmt: skip
def test_region_of_another_partition_or_none_selects_botocore(region: str) -> None:
    assert reason(AWS_REGION=region, AWS_DEFAULT_REGION=region) is not None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_empty_proxy_is_none(name: str) -> None:
    assert reason(**{name: ""}) is None


def test_list_of_hosts_without_a_proxy_is_none() -> None:
    assert reason(NO_PROXY="example.com") is None


def test_folder_of_the_command_lines_files_selects_botocore(tmp_path: Path) -> None:
    environ = IN_LAMBDA | {"HOME": str(tmp_path)}
    assert needs_botocore(environ) is None
    (tmp_path / ".aws").mkdir()

    assert needs_botocore(environ) == f"{tmp_path}/.aws is there"


def test_reason_shows_no_secret() -> None:
    reasons = [reason(**{name: "the-secret"}) for name in [*sorted(BOTOCORE), "AWS_SECURITY_TOKEN"]]

    assert not [text for text in reasons if text is None or "the-secret" in text]


def test_endpoint_of_every_region_that_the_thin_path_serves_is_botocores() -> None:
    loader, served = Loader(), 0
    partitions = loader.load_data("partitions")
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]]
    for service in ("dynamodb", "kms"):
        rules = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region in regions:
            if reason(AWS_REGION=region, AWS_DEFAULT_REGION=region) is None:
                served += 1
                url = rules.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False).url
                assert url == f"https://{Signer(service, region, {}).host}"
    assert served > 50
