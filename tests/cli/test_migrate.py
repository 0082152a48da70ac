"""`gatehouse migrate auth0`: a made-up but whole export becomes a tenant file, a rule package and a report."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from infra.cli.main import app
from infra.move.apis import UNGIVEN
from infra.tenant.file import load
from infra.tenant.schema import Client, TenantFile
from tests.cli.migrating import run
from tests.support.auth0_rules import EXPORT

KEYWORDS, CLIENT_IDS = EXPORT / "keywords.json", EXPORT / "client-ids.json"
API = "https://api.test.example.com"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("move") / "moved"
    code, _, err = run(EXPORT, "-o", folder, "--keywords", KEYWORDS, "--client-ids", CLIENT_IDS)
    assert (code, err) == (0, "")
    return folder


@pytest.fixture(scope="module")
def tenant(moved: Path) -> TenantFile:
    return load(moved / "tenant.yaml")


@pytest.fixture(scope="module")
def report(moved: Path) -> str:
    return (moved / "REPORT.md").read_text("utf-8")


def client(tenant: TenantFile, name: str) -> Client:
    return next(one for one in tenant.clients if one.name == name)


def row(report: str, key: str, *words: str) -> str:
    """Return the first row of a key that has these words."""
    rows = [line for line in report.splitlines() if line.startswith(f"| `{key}` |")]
    return next(line for line in rows if all(word in line for word in words))


def test_realms_are_the_databases_with_their_policies(tenant: TenantFile) -> None:
    staff, customers, partners = tenant.realms
    assert (staff.name, staff.aliases) == (
        "username-password-authentication",
        ("Username-Password-Authentication", "staff-login"),
    )
    assert (staff.identifiers, customers.identifiers) == (("username", "email"), ("email",))
    assert (staff.password_policy.min_length, staff.password_policy.history) == (12, 5)
    assert staff.password_policy.dictionary == ("acme", "timesheet")
    assert [realm.password_policy.min_length for realm in (customers, partners)] == [8, 10]
    assert [realm.password_policy.no_personal_info for realm in tenant.realms] == [True, False, False]
    assert [realm.signup.enabled for realm in tenant.realms] == [False, True, True]
    assert [realm.password_reset.enabled for realm in tenant.realms] == [True, False, True]


def test_tenant_keeps_its_defaults_by_their_names_here(tenant: TenantFile, report: str) -> None:
    assert (tenant.tenant.friendly_name, tenant.tenant.oidc_scopes) == ("Acme test", "auth0")
    assert tenant.tenant.default_directory == "username-password-authentication"
    assert tenant.tenant.default_audience == f"{API}/timesheets"
    assert "- `tenant.default_audience`" in report


def test_apis_keep_their_scopes_and_lifetimes(tenant: TenantFile) -> None:
    assert len(tenant.apis) == 8
    timesheets = tenant.apis[0]
    assert [scope.value for scope in timesheets.scopes][:2] == ["read:timesheets", "create:timesheets"]
    assert (timesheets.token_lifetime, timesheets.allow_offline_access) == (7200, True)
    assert {api.name: api.token_dialect for api in tenant.apis if api.name in ("Sensors", "Invoices")} == {
        "Sensors": "rfc9068_profile",
        "Invoices": "access_token_authz",
    }
    assert {api.name: api.enforce_policies for api in tenant.apis if api.name in ("Sensors", "Invoices")} == {
        "Sensors": False,
        "Invoices": True,
    }


def test_roles_keep_their_permissions(tenant: TenantFile) -> None:
    (manager,) = tenant.roles
    assert (manager.name, manager.description) == ("manager", "Approves")
    assert [(one.api, one.value) for one in manager.permissions] == [(f"{API}/timesheets", "approve:timesheets")]


def test_clients_keep_grants_methods_lifetimes_and_realms(tenant: TenantFile) -> None:
    web, phone = client(tenant, "Timesheets web"), client(tenant, "Timesheets phone")
    assert (web.client_id, web.token_endpoint_auth_method) == ("TsWebHf93kd02mfP1", "client_secret_post")
    assert "authorization_code" not in web.grant_types and "refresh_token" in web.grant_types
    assert (web.id_token_lifetime, web.is_token_endpoint_ip_header_trusted) == (3600, True)
    assert (web.refresh_token.rotation_type, web.refresh_token.leeway) == ("rotating", 30)
    assert (web.refresh_token.token_lifetime, web.refresh_token.idle_token_lifetime) == (1_209_600, 604_800)
    assert set(web.realms) == {realm.name for realm in tenant.realms}
    assert (phone.client_id, phone.token_endpoint_auth_method) == ("timesheets-phone", "none")
    assert client(tenant, "Old client").grant_types == ("password", "refresh_token")
    payroll = client(tenant, "Payroll web").refresh_token
    assert payroll.infinite_token_lifetime and payroll.infinite_idle_token_lifetime


def test_third_party_gets_no_grant_of_a_password(tenant: TenantFile) -> None:
    assert client(tenant, "Partner portal").grant_types == ("refresh_token",)


def test_apis_that_are_not_for_all_clients_bound_each_client(tenant: TenantFile) -> None:
    bounds = {one.name: {bound.audience: bound.scope for bound in one.apis or ()} for one in tenant.clients}
    assert all(f"{API}/audit" not in bound for bound in bounds.values())
    assert [name for name, bound in bounds.items() if f"{API}/payroll" in bound] == ["Payroll web"]
    assert bounds["Payroll web"][f"{API}/payroll"] == ("read:payroll",)


def test_client_grants_are_those_of_machines(tenant: TenantFile) -> None:
    assert [(grant.client_id, grant.scope) for grant in tenant.client_grants] == [
        ("nightly-import", ("read:timesheets", "create:timesheets")),
        ("nightly-export", ("read:reports",)),
    ]


def test_protection_and_factors_are_kept(tenant: TenantFile) -> None:
    guard, throttling = (
        tenant.attack_protection.brute_force_protection,
        tenant.attack_protection.suspicious_ip_throttling,
    )
    assert (guard.max_attempts, guard.allowlist) == (5, ("192.0.2.0/24",))
    assert (throttling.max_attempts, throttling.rate, throttling.allowlist) == (100, 864_000, ("192.0.2.7",))
    assert (tenant.mfa.policy, tenant.mfa.factors) == ("never", ("otp", "sms", "recovery-code"))


def test_no_secret_is_copied(moved: Path) -> None:
    files = [path for path in moved.rglob("*") if path.is_file()]
    assert len(files) > 15
    assert [path for path in files if "CANARY" in path.read_text("utf-8")] == []
    assert "client_secret:" not in (moved / "tenant.yaml").read_text("utf-8")


def test_emails_are_kept_aside(moved: Path) -> None:
    kept = (moved / "emails" / "verify_email.html").read_text("utf-8")
    assert kept == (EXPORT / "emailTemplates" / "verify_email.html").read_text("utf-8")
    assert yaml.safe_load((moved / "emails" / "verify_email.yaml").read_text("utf-8"))["subject"] == "Confirm"


def test_report_names_what_has_to_be_done_first(report: str) -> None:
    to_do = report.partition("## To do before the first login")[2].partition("\n## ")[0]
    assert "Sensor gateway, Sensor gateway 2" in row(to_do, "clients.client_authentication_methods", "private_key_jwt")
    assert "mTLS client" in row(to_do, "clients.client_authentication_methods", "mTLS;")
    assert "Timesheets phone: timesheets-phone" in row(to_do, "clients.client_id", "not in the export")
    assert "Timesheets web" not in row(to_do, "clients.client_id", "not in the export")
    assert "PEM (tenant.yaml)" in row(to_do, "keywords")
    assert "Ask the risk service (rule_11_ask_the_risk_service)" in row(to_do, "rules", "raises")
    assert "Deny by country" in row(to_do, "actions")
    assert UNGIVEN in row(to_do, "roles")
    assert "OFFICE_ADDRESSES, RISK_URL" in row(to_do, "rulesConfigs")
    assert "gone:reports" in row(to_do, "clientGrants.scope")


def keys_of(value: Any, path: str = "") -> Iterator[str]:
    """Yield the keys of an export with dots, without indices."""
    for inner in value if isinstance(value, list) else [value]:
        for key, below in inner.items() if isinstance(inner, dict) else ():
            yield f"{path}{key}"
            yield from keys_of(below, f"{path}{key}.")


def test_each_key_of_the_export_or_one_around_it_or_in_it_stands_in_the_report(report: str) -> None:
    told = set(re.findall(r"^(?:\| |- )`([^`]+)`", report, re.MULTILINE))
    text = (EXPORT / "tenant.yaml").read_text("utf-8")
    export = yaml.safe_load(re.sub("@@[A-Z_]+@@", "null", text.replace("##", "")))
    ways = {key[: match.start()] for key in told for match in re.finditer(r"\.", key)}
    untold = [
        key
        for key in set(keys_of(export))
        if key not in ways and not any(".".join(key.split(".")[:depth]) in told for depth in range(1, 9))
    ]
    assert untold == []


def test_sections_of_the_report_are_by_weight(report: str) -> None:
    titles = re.findall(r"^## (.+)$", report, re.MULTILINE)
    assert titles == ["Secrets", "To do before the first login", "Approximated", "Not there", "Applied"]


def test_public_key_of_a_client_comes_with_its_keyword(tmp_path: Path) -> None:
    keywords = tmp_path / "keywords.json"
    key = generate_private_key(SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keywords.write_text(json.dumps({"PEM": pem, "ENV": "test"}))
    assert run(EXPORT / "tenant.yaml", "-o", tmp_path / "moved", "--keywords", keywords)[0] == 0
    signed = client(load(tmp_path / "moved" / "tenant.yaml"), "Sensor gateway 2")
    assert signed.token_endpoint_auth_method == "private_key_jwt"
    assert signed.jwks and signed.jwks.keys[0].kty == "EC"


def test_keywords_without_values_have_stand_ins_that_open_nothing(tmp_path: Path) -> None:
    code, _, err = run(EXPORT, "-o", tmp_path / "moved")
    assert (code, err) == (0, "")
    tenant = load(tmp_path / "moved" / "tenant.yaml")
    guard = tenant.attack_protection.brute_force_protection
    assert (guard.allowlist, guard.max_attempts, guard.enabled) == ((), 10, True)
    assert tenant.apis[0].identifier == "https://api.UNSET_ENV.example.com/timesheets"
    told = row((tmp_path / "moved" / "REPORT.md").read_text("utf-8"), "keywords")
    assert all(f"{name} (" in told for name in ("ENV", "OFFICES", "MAX_ATTEMPTS", "PEM", "KIOSK"))


def test_rule_that_compares_what_a_keyword_or_a_made_id_stands_for_raises(tmp_path: Path) -> None:
    rule = "function (user, context, callback) {{ context.idToken.a = context.{}; callback(null, user, context); }}"
    members = ("clientID", "clientName", "connection")
    export = {
        "rules": [{"name": f"Read {member}", "script": rule.format(member)} for member in members],
        "clients": [{"name": "App ##X##", "grant_types": ["password"]}],
        "databases": [{"name": "db-##X##"}],
    }
    (tmp_path / "export.yaml").write_text(yaml.safe_dump(export))
    (tmp_path / "keywords.json").write_text('{"X": "one"}')
    (tmp_path / "ids.json").write_text('{"App one": "id-of-app-one"}')
    _, without, _ = run(tmp_path / "export.yaml", "-o", tmp_path / "without", "--json")
    options = ("--keywords", tmp_path / "keywords.json", "--client-ids", tmp_path / "ids.json")
    _, given, _ = run(tmp_path / "export.yaml", "-o", tmp_path / "with", "--json", *options)
    assert json.loads(without)["unfinished_rules"] == [f"Read {member}" for member in members]
    assert json.loads(given)["unfinished_rules"] == []


@pytest.mark.parametrize("name", ["tenant.yaml", "acme.yml"])
def test_folder_with_one_yaml_file_is_an_export(tmp_path: Path, name: str) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / name).write_text("clients: [{name: App, client_id: id-of-app, grant_types: [password]}]\n")
    assert run(tmp_path / "export", "-o", tmp_path / "moved")[0] == 0
    assert [one.client_id for one in load(tmp_path / "moved" / "tenant.yaml").clients] == ["id-of-app"]


@pytest.mark.parametrize("is_inline", [True, False])
def test_rule_with_a_keyword_that_has_no_value_raises(tmp_path: Path, is_inline: bool) -> None:
    script = "function (user, context, callback) { context.idToken['##NS##a'] = 1; callback(null, user, context); }"
    (tmp_path / "set.js").write_text(script)
    export = {"rules": [{"name": "Set a claim", "script": script if is_inline else "./set.js"}]}
    (tmp_path / "export.yaml").write_text(yaml.safe_dump(export))
    keywords = tmp_path / "keywords.json"
    keywords.write_text('{"NS": "https://example.com/"}')
    run(tmp_path / "export.yaml", "-o", tmp_path / "without")
    run(tmp_path / "export.yaml", "-o", tmp_path / "with", "--keywords", keywords)
    without, translated = (
        (tmp_path / name / "auth0_rules" / "rule_01_set_a_claim.py").read_text() for name in ("without", "with")
    )
    assert "without a value: NS" in without or "have no value: NS" in without
    assert "raise NotImplementedError" in without
    assert "set_claim(context.id_token, 'https://example.com/a', 1)" in translated


def as_directory(folder: Path) -> Path:
    """Write the export in the directory form of the Deploy CLI."""
    text = (EXPORT / "tenant.yaml").read_text("utf-8")
    export = yaml.safe_load(
        text.replace("@@MAX_ATTEMPTS@@", "'@@MAX_ATTEMPTS@@'").replace("pem: @@PEM@@", "pem: '@@PEM@@'")
    )
    folders = {
        "resourceServers": "resource-servers",
        "clientGrants": "grants",
        "rulesConfigs": "rules-configs",
        "guardianFactors": "guardian/factors",
        "guardianFactorProviders": "guardian/providers",
        "emailTemplates": "emails",
        "logStreams": "log-streams",
    }
    files: dict[str, Any] = {
        "tenant": export["tenant"],
        "guardian/policies": export["guardianPolicies"],
        "guardian/phoneFactorSelectedProvider": export["guardianPhoneFactorSelectedProvider"],
        "emails/provider": export["emailProvider"],
        "migrations": export["migrations"],
        "triggers/triggers": export["triggers"],
    }
    for name, part in export["attackProtection"].items():
        files[f"attack-protection/{re.sub('[A-Z]', lambda found: '-' + found[0].lower(), name)}"] = part
    for database in export["databases"]:
        files[f"database-connections/{database['name']}/database"] = database
    for section in ("clients", "connections", "rules", "roles", "actions", "pages", "organizations", *folders):
        for number, item in enumerate(export[section]):
            files[f"{folders.get(section, section)}/{item.get('template', number)}"] = (
                item
                | ({"script": f"./{item['name']}.js"} if section == "rules" else {})
                | ({"body": f"./{item['template']}.html"} if section == "emailTemplates" else {})
            )
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(value), "utf-8")
    shutil.copytree(EXPORT / "rules", folder / "rules", dirs_exist_ok=True)
    shutil.copytree(EXPORT / "emailTemplates", folder / "emails", dirs_exist_ok=True)
    return folder


def test_directory_form_gives_the_same_tenant_and_rules(moved: Path, tenant: TenantFile, tmp_path: Path) -> None:
    export = as_directory(tmp_path / "export")
    code, _, err = run(export, "-o", tmp_path / "moved", "--keywords", KEYWORDS, "--client-ids", CLIENT_IDS)
    assert (code, err) == (0, "")
    other = load(tmp_path / "moved" / "tenant.yaml")
    assert {one.name: one for one in other.clients} == {
        one.name: one.model_copy(update={"realms": other_realms(one, other)}) for one in tenant.clients
    }
    assert (other.tenant, other.mfa, other.attack_protection) == (tenant.tenant, tenant.mfa, tenant.attack_protection)
    names = {path.name for path in (moved / "auth0_rules").glob("*.py")}
    assert {path.name for path in (tmp_path / "moved" / "auth0_rules").glob("*.py")} == names
    texts = [
        {name: (folder / "auth0_rules" / name).read_text("utf-8") for name in names - {"connections.py"}}
        for folder in (moved, tmp_path / "moved")
    ]
    assert texts[0] == texts[1]


def other_realms(one: Client, other: TenantFile) -> tuple[str, ...]:
    """Return the realms of a client in the order in which another file has them."""
    found = client(other, one.name).realms
    assert set(found) == set(one.realms)
    return found


def test_folder_that_exists_is_refused_without_force(moved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(moved, folder)
    (folder / "auth0_rules" / "rule_99_gone.py").write_text("")
    (folder / "notes.txt").write_text("mine")
    code, out, err = run(EXPORT, "-o", folder)
    assert (code, out) == (2, "")
    assert err.startswith(f"{folder} exists already: ")
    assert (folder / "auth0_rules" / "rule_99_gone.py").exists()
    assert run(EXPORT, "-o", folder, "--force")[0] == 0
    assert not (folder / "auth0_rules" / "rule_99_gone.py").exists()
    assert (folder / "notes.txt").read_text() == "mine"


def test_summary_in_json_names_files_and_rules(tmp_path: Path) -> None:
    code, out, _ = run(EXPORT, "-o", tmp_path / "moved", "--json", "--keywords", KEYWORDS)
    said = json.loads(out)
    assert (code, said["unfinished_rules"]) == (0, ["Ask the risk service"])
    assert {"tenant.yaml", "REPORT.md", "auth0_rules/__init__.py"} <= set(said["files"])


@contextmanager
def importable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the rule package of a move be imported, and forget it afterwards."""
    monkeypatch.syspath_prepend(str(folder))
    try:
        yield
    finally:
        for name in [one for one in sys.modules if one.partition(".")[0] == "auth0_rules"]:
            del sys.modules[name]


OIDC = "openid profile email phone address"
TRIALS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "denied": (
        "TsWebHf93kd02mfP1",
        {"email_verified": False},
        {"error": "access_denied", "error_description": "Please verify your email before logging in."},
    ),
    "scopes": (
        "timesheets-phone",
        {},
        {"scope": f"{OIDC} read:timesheets create:timesheets delete:timesheets", "multifactor": None},
    ),
    "factor": ("TsWebHf93kd02mfP1", {}, {"multifactor": True}),
}


@pytest.mark.parametrize(("client_id", "user", "outcome"), TRIALS.values(), ids=TRIALS)
def test_translated_rules_run_in_a_trial_login_of_the_moved_tenant(
    trial: "Trial", client_id: str, user: dict[str, Any], outcome: dict[str, Any]
) -> None:
    found = trial(client_id, user)
    assert {name: found[name] for name in outcome} == outcome


Trial = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def trial(moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Return what runs the translated rules of the moved tenant in a login, by `gatehouse rules try`."""
    shutil.copytree(moved / "auth0_rules", tmp_path / "auth0_rules")
    index = tmp_path / "auth0_rules" / "__init__.py"
    index.write_text(index.read_text("utf-8").replace("    ask_the_risk_service,\n", ""), "utf-8")
    (tmp_path / "settings.json").write_text('{"OFFICE_ADDRESSES": "192.0.2.1"}')
    known = {"email": "ada@acme.example.com", "email_verified": True, "created_at": 1_700_000_000, "name": "Ada"}

    def run_trial(client_id: str, user: dict[str, Any]) -> dict[str, Any]:
        (tmp_path / "person.json").write_text(json.dumps(known | user))
        login = ["--realm", "staff-login", "--client", client_id, "--user-file", str(tmp_path / "person.json")]
        more = ["--geoip", '{"country_code": "US"}', "--rule-settings", str(tmp_path / "settings.json"), "--json"]
        arguments = ["rules", "try", "-p", "auth0_rules", "--tenant", str(moved / "tenant.yaml"), *login, *more]
        with importable(tmp_path, monkeypatch):
            ran = CliRunner().invoke(app, arguments)
        found: dict[str, Any] = json.loads(ran.stdout)["outcome"]
        return found

    return run_trial
