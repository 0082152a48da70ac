"""One real deployment for all tests of this folder: by the command, to a moto server, from a copy of the sources."""

import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.functions import ApiFunction, join_functions
from infra.gateway.proxy_event import GatewayStage
from tests.support.lambda_runtime import (
    Environment,
    Function,
    deployable_python,
    deploying_python,
    running,
    runtime_python,
)
from tests.support.server import serving

PROJECT = Path(__file__).parents[2]
POLICIES = (
    ".chalice/policy-dev.json",
    ".chalice/policy-dev-tell_blocked.json",
    ".chalice/policy-dev-rotate_keys.json",
    ".chalice/policy-dev-events.json",
    ".chalice/policy-dev-management.json",
    ".chalice/policy-dev-help_desk.json",
)
SOURCES = ("app.py", "chalicelib", "infra", ".chalice/config.json", *POLICIES, "requirements.txt")
REGION = "eu-west-1"
# Who calls shows in the server's log: the tools, the two functions behind the API, or those that a schedule calls.
TOOLS, FUNCTION, MANAGEMENT, SCHEDULE, ROTATION = "tools", "function", "management", "schedule", "rotation"
EVENTS, HELP_DESK = "events", "help_desk"
NAMES = ("", "-tell_blocked", "-rotate_keys", "-management", "-events", "-help_desk")
FUNCTIONS = tuple(f"gatehouse-dev{name}" for name in NAMES)
EMPLOYEES = ("--stage", "dev", "--realm", "employees")
# A busy machine takes its time: what is slow there is not wrong.
LIMIT_S = 600
EMAIL_FROM = "login@example.com"
PAGE = (PROJECT / "docs" / "run" / "deploy.md").read_text("utf-8")
COMMANDS = re.findall(r"^    (gatehouse .+)$", PAGE, re.MULTILINE)
# All on one worker, where they share the deployment.
ON_ONE_WORKER = pytest.mark.xdist_group("deploy")


@dataclass(frozen=True, slots=True)
class Aws:
    """The moto server. log: its calls, as aws_server.py writes them.

    tls_port: where it has AWS's names. authorities: the file of who vouches for them.
    """

    url: str
    log: Path
    tls_port: int
    authorities: Path

    def environment(self, caller: str) -> dict[str, str]:
        """Return what leads a process to this AWS, as that caller."""
        keys = {"AWS_ACCESS_KEY_ID": caller, "AWS_SECRET_ACCESS_KEY": caller}
        return keys | {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}

    def client(self, service: Any) -> Any:
        """Return a client of one service."""
        return boto3.Session(TOOLS, TOOLS, region_name=REGION).client(service, endpoint_url=self.url)

    def calls(self, caller: str) -> list[dict[str, str]]:
        """Return the permissions that a caller's calls took, with their resources."""
        lines = [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]
        return [line for line in lines if line["caller"] == caller]


@dataclass(frozen=True, slots=True)
class Tenant:
    """The demo tenant, and a client in it that signs with a key."""

    file: Path
    client_id: str
    key: rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of what a deployment needs of the sources, and the commands run there by the Python that is deployed."""

    root: Path
    aws: Aws
    python: Path

    def gatehouse(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command. typed: its standard input."""
        return self._run("-m", "infra.cli.main", *arguments, typed=typed)

    def chalice(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Chalice itself, as `gatehouse deploy` does."""
        return self._run("-m", "infra.deploy.chalice_command", *arguments)

    def _run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATEHOUSE_"))}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.root,
            env=ours | self.aws.environment(TOOLS),
            input=typed,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )


@dataclass(frozen=True, slots=True)
class Deployment:
    """The result of `gatehouse deploy`. output: what it printed."""

    project: Project
    tenant: Tenant
    rest_api_id: str
    url: str
    output: str

    @property
    def aws(self) -> Aws:
        """The place of the deployment."""
        return self.project.aws

    def configuration(self, function: str = "gatehouse-dev") -> dict[str, Any]:
        """Return a function's configuration, by default that of the one behind the API."""
        found: dict[str, Any] = self.aws.client("lambda").get_function_configuration(FunctionName=function)
        return found

    @property
    def archive(self) -> Path:
        """The zip that was uploaded."""
        (archive,) = (self.project.root / ".chalice" / "deployments").glob("*.zip")
        return archive


@contextmanager
def serving_aws(folder: Path, *region: str) -> Iterator[Aws]:
    """Serve an empty AWS. folder: of its log. region: where the fake answers for DynamoDB's items."""
    log, authorities = folder / "calls.jsonl", folder / "authorities.pem"
    command = [sys.executable, "-m", "tests.support.aws_server", str(log), str(authorities), *region]
    pipe = subprocess.PIPE
    # The server ends with its standard input, and so with these tests, however they end.
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        port, tls_port = process.stdout.readline().split()
        yield Aws(f"http://127.0.0.1:{port}", log, int(tls_port), authorities)
        process.kill()


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving_aws(tmp_path_factory.mktemp("aws")) as served:
        yield served


@pytest.fixture(scope="session")
def project(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    (root / ".chalice").mkdir()
    for name in SOURCES:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, root / name)
    config = root / ".chalice" / "config.json"
    stages = json.loads(config.read_text("utf-8"))
    stages["stages"]["dev"]["environment_variables"]["GATEHOUSE_EMAIL_FROM"] = EMAIL_FROM
    config.write_text(json.dumps(stages), "utf-8")
    base, pins = deployable_python(), PROJECT / "infra" / "requirements-dev.txt"
    return Project(root, aws, deploying_python(PROJECT / ".gatehouse", pins, base))


@pytest.fixture(scope="session")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Tenant:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    public = {"kid": "1", "use": "sig", "alg": "RS256"} | {name: jwk[name] for name in ("kty", "n", "e")}
    document = yaml.safe_load((PROJECT / "infra" / "local" / "demo-tenant.yaml").read_text("utf-8"))
    client = {
        "client_id": "signs",
        "name": "Signs",
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["password"],
        "realms": ["employees"],
        "jwks": {"keys": [public]},
    }
    document["clients"].append(client)
    document["mfa"]["max_emails_per_hour"] = 1000
    file = tmp_path_factory.mktemp("tenant") / "tenant.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    return Tenant(file, "signs", key)


@pytest.fixture(scope="session")
def deployment(project: Project, tenant: Tenant) -> Deployment:
    """The stage dev, made by the commands of docs/run/deploy.md, word for word and in their order."""
    shutil.copyfile(tenant.file, project.root / "my-tenant.yaml")
    runs = [project.gatehouse(*shlex.split(line)[1:]) for line in COMMANDS]
    assert [(run.returncode, run.stderr) for run in runs] == [(0, "")] * len(COMMANDS), [run.stdout for run in runs]
    recorded = json.loads((project.root / ".chalice" / "deployed" / "dev.json").read_text("utf-8"))["resources"]
    (api,) = (resource for resource in recorded if resource["resource_type"] == "rest_api")
    deployed = Deployment(project, tenant, api["rest_api_id"], api["rest_api_url"], runs[-1].stdout)
    # Looked at here: later tests deploy the same function again, from other folders.
    packed = base64.b64encode(hashlib.sha256(deployed.archive.read_bytes()).digest()).decode()
    assert {deployed.configuration(name)["CodeSha256"] for name in FUNCTIONS} == {packed}
    return deployed


@pytest.fixture(scope="session")
def unpacked(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deployed zip, unpacked where nothing of the sources is near."""
    root = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(deployment.archive) as opened:
        opened.extractall(root)
    return root


def function_of(deployment: Deployment, root: Path, name: str, caller: str) -> Function:
    """Return a deployed function. root: the unpacked zip. caller: its key id."""
    configuration = deployment.configuration(name)
    variables = configuration["Environment"]["Variables"] | deployment.aws.environment(caller)
    return Function(name, configuration["Handler"], root, variables, configuration["Timeout"])


def run_function(function: Function, python: Path, log: Path) -> Iterator[Environment]:
    """Yield a running function; it ends with the generator, as a fixture's does."""
    with running(function, python, log) as environment:
        yield environment


@pytest.fixture(scope="session")
def function(deployment: Deployment, unpacked: Path) -> Function:
    """The function behind the API."""
    return function_of(deployment, unpacked, "gatehouse-dev", FUNCTION)


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the function, as it prints it."""
    return tmp_path_factory.mktemp("log") / "function.log"


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter that functions run in."""
    return runtime_python(PROJECT / ".gatehouse", PROJECT / "infra" / "requirements-dev.txt", deployable_python())


@pytest.fixture(scope="session")
def environment(function: Function, python: Path, printed: Path) -> Iterator[Environment]:
    yield from run_function(function, python, printed)


@pytest.fixture(scope="session")
def managing(
    deployment: Deployment, unpacked: Path, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """The function of the Management API."""
    log = tmp_path_factory.mktemp("management") / "function.log"
    yield from run_function(function_of(deployment, unpacked, "gatehouse-dev-management", MANAGEMENT), python, log)


@pytest.fixture(scope="session")
def schedule_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the function of the schedule."""
    return tmp_path_factory.mktemp("schedule") / "function.log"


@pytest.fixture(scope="session")
def schedule(deployment: Deployment, unpacked: Path, python: Path, schedule_log: Path) -> Iterator[Environment]:
    """The function that the schedule calls, on a stage whose issuer is set: without one there is no link to send."""
    ses = deployment.aws.client("sesv2")
    ses.create_email_identity(EmailIdentity=EMAIL_FROM)
    # moto's first email may take it longer than the function waits for an answer.
    body = {"Simple": {"Subject": {"Data": "."}, "Body": {"Text": {"Data": "."}}}}
    ses.send_email(FromEmailAddress=EMAIL_FROM, Destination={"ToAddresses": ["first@example.com"]}, Content=body)
    deployed = function_of(deployment, unpacked, "gatehouse-dev-tell_blocked", SCHEDULE)
    function = replace(deployed, environment={**deployed.environment, "GATEHOUSE_ISSUER": deployment.url})
    yield from run_function(function, python, schedule_log)


@pytest.fixture(scope="session")
def rotation_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the function that rotates the keys."""
    return tmp_path_factory.mktemp("rotation") / "function.log"


@pytest.fixture(scope="session")
def rotating(deployment: Deployment, unpacked: Path, python: Path, rotation_log: Path) -> Iterator[Environment]:
    """The function that rotates the keys."""
    yield from run_function(
        function_of(deployment, unpacked, "gatehouse-dev-rotate_keys", ROTATION), python, rotation_log
    )


@pytest.fixture(scope="session")
def sending(
    deployment: Deployment, unpacked: Path, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """The function that sends events on."""
    log = tmp_path_factory.mktemp("events") / "function.log"
    yield from run_function(function_of(deployment, unpacked, "gatehouse-dev-events", EVENTS), python, log)


@pytest.fixture(scope="session")
def helping(
    deployment: Deployment, unpacked: Path, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """The function of the help desk."""
    log = tmp_path_factory.mktemp("help_desk") / "function.log"
    yield from run_function(function_of(deployment, unpacked, "gatehouse-dev-help_desk", HELP_DESK), python, log)


@pytest.fixture(scope="session")
def site(deployment: Deployment, environment: Environment, managing: Environment) -> Iterator[httpx.Client]:
    """A client of the deployed API, its routes as API Gateway has them."""
    with serving(gateway_of(deployment, environment, managing)) as port, at(port) as client:
        yield client


def gateway_of(
    deployment: Deployment,
    environment: Environment,
    managing: Environment | None = None,
    stage: GatewayStage | None = None,
) -> Gateway:
    """Return an API Gateway with the deployed API before its functions: a resource calls the one that it names.

    stage: by default that of the deployed URL.
    """
    found = deployment.aws.client("apigateway").get_resources(
        restApiId=deployment.rest_api_id, limit=500, embed=["methods"]
    )
    routes: dict[str, dict[str, tuple[str, ...]]] = {}
    for resource in found["items"]:
        methods = resource.get("resourceMethods", {})
        for uri in {one["methodIntegration"]["uri"] for one in methods.values()}:
            name = uri.partition(":function:")[2].partition("/")[0]
            routes.setdefault(name, {})[resource["path"]] = tuple(methods)
    functions = [ApiFunction(routes["gatehouse-dev"], environment.invoke)]
    if managing:
        functions.append(ApiFunction(routes["gatehouse-dev-management"], managing.invoke))
    whole = join_functions(*functions)
    own = GatewayStage("dev", "/dev", httpx.URL(deployment.url).host, deployment.rest_api_id)
    return Gateway(whole.invoke, GatewayConfig(whole.routes, stage or own))


def at(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}/dev", timeout=LIMIT_S)
