"""`gatehouse users roles` and `permissions`, and roles in `apply`: what people may do is stored and reported."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.accounts.authorization import Authorizations, RoleCatalog, make_role_id
from chalicelib.model.user import Permission, User
from infra.stage.aws import Stage
from infra.stage.people import People
from infra.stage.provision import write_configuration
from infra.stage.seed import compare_each, seed_each
from infra.tenant.schema import TenantFile
from tests.cli.conftest import Gatehouse, Ran
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST
from tests.support.http import TIMESHEETS
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage
from tests.support.tenant_documents import demo_document

READ, CREATE = "read:timesheets", "create:timesheets"
REALM = ("--realm", "employees")
ROLES: list[dict[str, Any]] = [
    {
        "name": "editor",
        "description": "Writes",
        "permissions": [{"api": TIMESHEETS, "value": CREATE}, {"api": TIMESHEETS, "value": READ}],
    },
    {"name": "reader of [bold]", "permissions": [{"api": TIMESHEETS, "value": READ}]},
    *({"name": f"role {number} {'x' * 80}"} for number in range(30)),
]


def with_roles(roles: list[dict[str, Any]]) -> TenantFile:
    return TenantFile.model_validate(demo_document() | {"roles": roles})


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, with roles."""
    return provision_stage("usersroles", with_roles(ROLES))


@pytest.fixture
def gatehouse(stage: Stage, tmp_path: Path) -> Gatehouse:
    return Gatehouse(stage, tmp_path)


@pytest.fixture
def user(people: PeopleMaker) -> User:
    return people.make()


def stored(people: PeopleMaker, user: User) -> User:
    return people.of("employees").find(user.user_id)


def run(gatehouse: Gatehouse, user: User, *words: str) -> Ran:
    group, action, *arguments = words
    return gatehouse.run("users", group, action, user.username, *arguments, *REALM)


def test_roles_are_added_once_and_listed(gatehouse: Gatehouse, people: PeopleMaker, user: User) -> None:
    ran = run(gatehouse, user, "roles", "add", "editor", "reader of [bold]")
    again = run(gatehouse, user, "roles", "add", "editor")

    said = f"{user.user_id} has the roles: editor, reader of [bold].\n"
    assert [(one.code, one.out, one.err) for one in (ran, again)] == [(0, said, "")] * 2
    assert stored(people, user).roles == ("editor", "reader of [bold]")
    listed = run(gatehouse, user, "roles", "list", "--json")
    assert json.loads(listed.out) == [
        {"id": make_role_id("editor"), "name": "editor", "description": "Writes"},
        {"id": make_role_id("reader of [bold]"), "name": "reader of [bold]", "description": ""},
    ]
    assert [make_role_id("editor"), "editor", "Writes"] in run(gatehouse, user, "roles", "list").rows


def test_role_is_removed_and_one_that_is_not_there_may_be_removed_too(
    gatehouse: Gatehouse, people: PeopleMaker, user: User
) -> None:
    run(gatehouse, user, "roles", "add", "editor")
    ran = run(gatehouse, user, "roles", "remove", "editor", "never")

    assert (ran.code, ran.out) == (0, f"{user.user_id} has the roles: none.\n")
    assert stored(people, user) == replace(user, attempt_counts={})
    assert run(gatehouse, user, "roles", "remove", "editor").code == 0


def test_direct_permissions_are_added_removed_and_listed_with_those_of_roles(
    gatehouse: Gatehouse, people: PeopleMaker, user: User
) -> None:
    run(gatehouse, user, "roles", "add", "editor", "reader of [bold]")
    ran = run(gatehouse, user, "permissions", "add", TIMESHEETS, READ, "delete:timesheets")

    assert (
        ran.out
        == f"{user.user_id} has the direct permissions: {READ} of {TIMESHEETS}, delete:timesheets of {TIMESHEETS}.\n"
    )
    assert json.loads(run(gatehouse, user, "permissions", "list", "--json").out) == [
        {"api": TIMESHEETS, "value": CREATE, "direct": False, "roles": ["editor"]},
        {"api": TIMESHEETS, "value": "delete:timesheets", "direct": True, "roles": []},
        {"api": TIMESHEETS, "value": READ, "direct": True, "roles": ["editor", "reader of [bold]"]},
    ]
    rows = run(gatehouse, user, "permissions", "list").rows
    assert [TIMESHEETS, READ, "direct,", "editor,", "reader", "of", "[bold]"] in rows
    run(gatehouse, user, "permissions", "remove", TIMESHEETS, READ, "no:such")
    assert stored(people, user).permissions == (Permission(TIMESHEETS, "delete:timesheets"),)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("roles", "add", "editor", "chief"), "has no role chief."),
        (
            ("permissions", "add", TIMESHEETS, "fly:timesheets"),
            f"no API with that scope: fly:timesheets of {TIMESHEETS}.",
        ),
        (("permissions", "add", "https://nowhere", READ), f"no API with that scope: {READ} of https://nowhere."),
        (("roles", "add", *(role["name"] for role in ROLES)), "would take more than 2,048 bytes."),
    ],
)
def test_what_the_stage_lacks_or_cannot_keep_is_refused_and_nothing_is_given(
    gatehouse: Gatehouse, people: PeopleMaker, user: User, words: tuple[str, ...], said: str
) -> None:
    ran = run(gatehouse, user, *words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert (stored(people, user).roles, stored(people, user).permissions) == ((), ())


@pytest.mark.parametrize("group", ["roles", "permissions"])
def test_nobody_has_no_roles(gatehouse: Gatehouse, group: str) -> None:
    ran = gatehouse.run("users", group, "list", "nobody", *REALM)

    assert (ran.code, ran.err) == (2, "Realm employees has no user nobody.\n")


def test_user_is_shown_with_roles_and_permissions(gatehouse: Gatehouse, user: User) -> None:
    run(gatehouse, user, "roles", "add", "editor", "reader of [bold]")
    run(gatehouse, user, "permissions", "add", TIMESHEETS, READ)
    shown = json.loads(gatehouse.run("users", "show", user.user_id, *REALM, "--json").out)

    assert shown["roles"] == ["editor", "reader of [bold]"]
    assert shown["permissions"] == [{"api": TIMESHEETS, "value": READ}]
    rows = gatehouse.run("users", "show", user.user_id, *REALM).rows
    assert ["roles", "editor,", "reader", "of", "[bold]"] in rows
    assert ["permissions", READ, "of", TIMESHEETS] in rows


def test_two_changes_at_once_lose_nothing(stage: Stage, people: PeopleMaker, user: User) -> None:
    authorizations = Authorizations(people.of("employees").records, RoleCatalog(stage.config()))
    names = [f"role {number} {'x' * 80}" for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: authorizations.add_roles(user.user_id, [make_role_id(name)]), names))

    assert sorted(stored(people, user).roles) == names


def test_new_password_and_a_block_leave_roles_alone(gatehouse: Gatehouse, people: PeopleMaker, user: User) -> None:
    run(gatehouse, user, "roles", "add", "editor")
    of: People = people.of("employees")
    of.set_password(of.find(user.user_id), "another correct horse")
    of.set_blocked(of.find(user.user_id), True)
    of.change(of.find(user.user_id), {"name": "New"})

    assert stored(people, user).roles == ("editor",)


def test_person_of_the_version_before_gets_roles_too(gatehouse: Gatehouse, people: PeopleMaker, user: User) -> None:
    dynamodb, table = gatehouse.stage.clients.dynamodb, people.of("employees").users.table
    keys = [{"pk": {"S": f"{kind}#{user.user_id}"}} for kind in ("cred", "user")]
    items = [dynamodb.get_item(TableName=table, Key=key)["Item"] for key in keys]
    dynamodb.put_item(TableName=table, Item={**items[0], **items[1]})
    dynamodb.delete_item(TableName=table, Key=keys[0])

    assert run(gatehouse, user, "roles", "add", "editor").code == 0
    assert stored(people, user).roles == ("editor",)


def test_deleted_users_id_comes_back_without_roles(gatehouse: Gatehouse, people: PeopleMaker, user: User) -> None:
    run(gatehouse, user, "roles", "add", "editor")
    of = people.of("employees")
    of.delete(of.find(user.user_id))

    assert people.make(user_id=user.user_id).roles == ()


def test_role_that_left_the_file_is_reported_with_the_number_of_people(
    gatehouse: Gatehouse, people: PeopleMaker
) -> None:
    write_configuration(gatehouse.stage, with_roles(leaving()))
    for realm in ("employees", "customers"):
        people.make(realm, roles=("leaver",))
    file = with_roles(ROLES)
    kept = write_configuration(gatehouse.stage, file, dry_run=True).changes
    pruned = write_configuration(gatehouse.stage, file, prune=True).changes

    why = "left the file; people who have it: 2"
    assert [(one.action, one.what, one.detail) for one in kept] == [("keep", "role leaver", why)]
    assert ("delete", "role leaver", why) in [(one.action, one.what, one.detail) for one in pruned]
    assert ("update", f"api {TIMESHEETS}", "role_permissions") in [(one.action, one.what, one.detail) for one in pruned]
    assert "leaver" not in document_of(gatehouse.stage, f"api#{TIMESHEETS}")["role_permissions"]


def leaving() -> list[dict[str, Any]]:
    return [*ROLES, {"name": "leaver", "permissions": [{"api": TIMESHEETS, "value": READ}]}]


def test_role_that_is_kept_goes_on_permitting(gatehouse: Gatehouse) -> None:
    write_configuration(gatehouse.stage, with_roles(leaving()))
    write_configuration(gatehouse.stage, with_roles(ROLES))

    assert document_of(gatehouse.stage, f"api#{TIMESHEETS}")["role_permissions"]["leaver"] == [READ]


def test_changed_role_is_shown_and_counts_at_its_api(gatehouse: Gatehouse) -> None:
    roles = [ROLES[0] | {"permissions": [{"api": TIMESHEETS, "value": READ}]}, *ROLES[1:]]
    file = with_roles(roles)
    changes = write_configuration(gatehouse.stage, file).changes
    told = [(one.action, one.what, one.detail) for one in changes]

    assert ("update", "role editor", "permissions") in told
    assert ("update", f"api {TIMESHEETS}", "role_permissions") in told
    assert document_of(gatehouse.stage, f"api#{TIMESHEETS}")["role_permissions"]["editor"] == [READ]
    write_configuration(gatehouse.stage, with_roles(ROLES))


# Of the stage, and of the users of a file


def test_roles_of_the_stage_are_listed_and_shown(gatehouse: Gatehouse) -> None:
    listed = json.loads(gatehouse.run("roles", "list", "--json").out)
    by_name = json.loads(gatehouse.run("roles", "show", "editor", "--json").out)
    by_id = json.loads(gatehouse.run("roles", "show", make_role_id("editor"), "--json").out)
    unknown = gatehouse.run("roles", "show", "nobody")

    assert by_name == by_id == {"id": make_role_id("editor"), **ROLES[0]}
    assert by_name in listed
    assert f"{READ} of {TIMESHEETS}" in gatehouse.run("roles", "list").out
    known = unknown.err.partition("has no role nobody. It has: ")[2]
    # Other tests of this stage make and take roles too.
    assert (unknown.code, {name in known for name in ("editor", "reader of [bold]")}) == (2, {True})


def test_users_of_a_file_have_its_roles(stage: Stage, people: PeopleMaker) -> None:
    given = {"username": "seeded", "password": "quiet words at 753", "roles": ["editor"]}
    file = TenantFile.model_validate(demo_document() | {"roles": ROLES, "users": {"employees": [given]}})
    fewer = TenantFile.model_validate(
        demo_document() | {"roles": ROLES, "users": {"employees": [given | {"roles": []}]}}
    )

    assert [one.is_new for one in seed_each(stage, file, BCRYPT_COST)] == [True]
    assert People.of(stage, "employees").find("seeded").roles == ("editor",)
    assert [one.differs for one in compare_each(stage, file)] == [()]
    assert [one.differs for one in compare_each(stage, fewer)] == [("roles",)]
