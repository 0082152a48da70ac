"""`gatehouse users`: people made, found, changed and deleted, as the token endpoint then sees them."""

import itertools
import json

import bcrypt
import pytest

from infra.stage.people import People
from tests.cli.conftest import Gatehouse, Ran
from tests.support.fixed import BCRYPT_COST
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.tenant_documents import small_document

EMPLOYEES = ("--realm", "employees")
CANARY = "canary in the password"
WRONG_TRIES = 10
_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A username that nobody has."""
    return f"somebody{next(_numbers)}"


def added(shared: Gatehouse, name: str, *options: str, typed: str = f"{CANARY}\n") -> Ran:
    return shared.run("users", "add", *EMPLOYEES, "--username", name, "--password-stdin", *options, typed=typed)


def status(http: Http, name: str, password: str) -> int:
    return http.login(username=name, password=password).status_code


def stored_hash(shared: Gatehouse, name: str) -> str:
    return People.of(shared.stage, "employees").find(name).password_hash


def imported_as(shared: Gatehouse, name: str, stored: str) -> Ran:
    return shared.run("users", "add", *EMPLOYEES, "--username", name, "--password-hash-stdin", typed=f"{stored}\n")


def bcrypt_hash(prefix: str, cost: int = 5) -> str:
    """Return a hash as another system made it."""
    made = bcrypt.hashpw(CANARY.encode(), bcrypt.gensalt(cost)).decode()
    return prefix + made.removeprefix("$2b$")


# Counting


def test_people_are_counted_and_their_total_is_set(shared: Gatehouse, name: str) -> None:
    added(shared, name)
    everybody = len(json.loads(shared.run("users", "list", *EMPLOYEES, "--json").out))
    shared.stage.dynamo.put(f"{shared.stage.prefix}users-employees", {"pk": "count#0", "people": 1_000})
    wrong = json.loads(shared.run("users", "count", *EMPLOYEES, "--json").out)
    ran = shared.run("users", "count", *EMPLOYEES)

    assert (wrong["realm"], wrong["users"], wrong["total_before"] > everybody) == ("employees", everybody, True)
    assert (ran.code, ran.rows[-1]) == (0, ["employees", str(everybody), str(everybody)])


# Adding


def test_added_person_logs_in_with_username_and_email(shared: Gatehouse, http: Http, name: str) -> None:
    ran = added(shared, name, "--email", f"{name}@example.com", "--name", "Some Body", "--email-verified")
    user = People.of(shared.stage, "employees").find(name)

    assert (ran.code, ran.out, ran.err) == (0, f"{user.user_id}\n", "")
    assert (user.name, user.email_verified) == ("Some Body", True)
    assert [status(http, who, CANARY) for who in (name, f"{name}@example.com")] == [200, 200]


def test_password_is_asked_for_twice_and_never_echoed(shared: Gatehouse, http: Http, name: str) -> None:
    ran = shared.run("users", "add", *EMPLOYEES, "--username", name, typed=f"{CANARY}\n{CANARY}\n")

    assert (ran.code, CANARY in ran.out + ran.err) == (0, False)
    assert status(http, name, CANARY) == 200


def test_password_on_standard_input_keeps_its_spaces(shared: Gatehouse, http: Http, name: str) -> None:
    added(shared, name, typed="  spaced password  \r\nanother line\n")

    assert [status(http, name, typed) for typed in ("  spaced password  ", "spaced password")] == [200, 400]


@pytest.mark.parametrize(
    ("realm", "password", "least"),
    [("employees", "", 8), ("employees", "7 chars", 8), ("customers", "eleven char", 12)],
)
def test_password_under_the_policy_of_the_realm_is_refused(
    shared: Gatehouse, name: str, realm: str, password: str, least: int
) -> None:
    person = ("--realm", realm, "--email", f"{name}@example.com", "--password-stdin")
    ran = shared.run("users", "add", *person, typed=f"{password}\n")

    said = f"Realm {realm} asks for {least} characters or more; that password has {len(password)}.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)
    assert People.of(shared.stage, realm).users.locate(f"{name}@example.com", ("email",)) is None


@pytest.mark.parametrize("change", [str, str.upper, str.title])
@pytest.mark.parametrize("option", ["--username", "--email"])
def test_name_that_somebody_has_is_refused_in_any_case(
    shared: Gatehouse, people: PeopleMaker, name: str, option: str, change: type[str]
) -> None:
    people.make(username=name, email=f"{name}@example.com")
    taken = change(name if option == "--username" else f"{name}@example.com")
    person = {"--username": f"{name}x", "--email": f"{name}x@example.com"} | {option: taken}
    options = itertools.chain.from_iterable(person.items())
    ran = shared.run("users", "add", *EMPLOYEES, *options, "--password-stdin", typed=f"{CANARY}\n")

    said = "Realm employees has a user of that username or email already.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_same_email_in_another_realm_is_another_person(shared: Gatehouse, people: PeopleMaker) -> None:
    employee = people.make()
    ran = shared.run(
        "users", "add", "--realm", "customers", "--email", employee.email, "--password-stdin", typed=f"{CANARY}\n"
    )

    assert ran.code == 0
    assert ran.out.startswith("customers|")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "In realm employees a person needs: username or email."),
        (("--username", "a@b"), "A username holds no @, an email holds one."),
        (("--email", "nobody"), "A username holds no @, an email holds one."),
        (("--username", "tab\there"), "A name has at most 320 characters, no control characters"),
        (("--username", "x" * 321), "A name has at most 320 characters, no control characters"),
        (("--username", " "), "A name has at most 320 characters, no control characters, and not blanks alone."),
    ],
)
def test_person_without_a_sound_name_is_refused(shared: Gatehouse, options: tuple[str, ...], said: str) -> None:
    ran = shared.run("users", "add", *EMPLOYEES, *options, "--password-stdin", typed=f"{CANARY}\n")

    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(said)


def test_user_id_is_one_line_in_a_narrow_terminal_too(gatehouse: Gatehouse) -> None:
    realm = "a" * 63
    gatehouse.provision(
        small_document(realms=[{"name": realm, "identifiers": ["username"]}], clients=[], tenant={"friendly_name": "T"})
    )
    ran = gatehouse.run(
        "users", "add", "-r", realm, "--username", "x", "--password-stdin", typed=f"{CANARY}\n", columns=80
    )

    assert ran.out == f"{People.of(gatehouse.stage, realm).find('x').user_id}\n"


# Hashes made elsewhere


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_imported_hash_logs_in_and_is_then_stored_as_our_own(
    shared: Gatehouse, http: Http, name: str, prefix: str
) -> None:
    imported = bcrypt_hash(prefix)
    ran = imported_as(shared, name, imported)
    assert (ran.code, stored_hash(shared, name)) == (0, imported)

    assert status(http, name, CANARY) == 200
    assert stored_hash(shared, name).startswith(f"$2b${BCRYPT_COST:02}$")
    assert status(http, name, CANARY) == 200


def test_wrong_password_leaves_an_imported_hash_as_it_is(shared: Gatehouse, http: Http, name: str) -> None:
    imported = bcrypt_hash("$2y$")
    imported_as(shared, name, imported)

    assert status(http, name, "wrong password") == 400
    assert stored_hash(shared, name) == imported


@pytest.mark.parametrize(
    "bad",
    ["", CANARY, "$2x$05$" + "a" * 53, "$2b$15$" + "a" * 53, "$2b$05$" + "a" * 52, "$argon2id$v=19$m=1,t=1,p=1$YQ$YQ"],
)
def test_bad_hash_is_refused_without_a_question_and_without_its_value(shared: Gatehouse, name: str, bad: str) -> None:
    ran = imported_as(shared, name, bad)

    said = "That is no bcrypt hash: $2a$, $2b$ or $2y$, of a cost from 4 to 14.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_hash_and_password_are_not_both_read(shared: Gatehouse, name: str) -> None:
    ran = added(shared, name, "--password-hash-stdin")

    said = "Standard input holds one of the two: give --password-stdin or --password-hash-stdin.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


# Finding


def test_list_holds_everybody_with_every_id_whole(shared: Gatehouse, people: PeopleMaker, name: str) -> None:
    user = people.make(username=name, name="Some Body", blocked=True)
    (row,) = (words for words in shared.run("users", "list", *EMPLOYEES).rows if name in words)

    assert row == [user.user_id, name, user.email, "Some", "Body", "blocked", "0"]


def test_list_as_json_holds_everybody(shared: Gatehouse, people: PeopleMaker) -> None:
    user = people.make()
    listed = json.loads(shared.run("users", "list", *EMPLOYEES, "--json").out)

    assert user.user_id in [one["user_id"] for one in listed]
    assert len(listed) == len(list(People.of(shared.stage, "employees").records.all()))


@pytest.mark.parametrize("of", ["user_id", "username", "email"])
def test_person_is_shown_by_id_username_or_email(shared: Gatehouse, people: PeopleMaker, of: str) -> None:
    user = people.make(app_metadata={"roles": ["[bold]"]})
    shown = json.loads(
        shared.run(
            "users", "show", getattr(user, of).upper() if of != "user_id" else user.user_id, *EMPLOYEES, "--json"
        ).out
    )

    assert (shown["user_id"], shown["username"], shown["email"]) == (user.user_id, user.username, user.email)
    assert shown["app_metadata"] == {"roles": ["[bold]"]}


def test_show_prints_times_that_people_read(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    assert status(http, user.username, PASSWORD) == 200
    rows = {row[0]: row[1:] for row in shared.run("users", "show", user.username, *EMPLOYEES).rows}

    assert rows["logins_count"] == ["1"]
    assert rows["last_ip"] == [http.source_ip]
    assert [len(part) for part in rows["last_login"]] == [len("2026-01-31"), len("23:59:59Z")]


@pytest.mark.parametrize("command", ["show", "block", "unblock", "delete", "set-password"])
def test_nobody_of_that_name_is_one_clear_line_and_exit_2(shared: Gatehouse, command: str) -> None:
    ran = shared.run("users", command, "[red]nobody", *EMPLOYEES)

    assert (ran.code, ran.out, ran.err) == (2, "", "Realm employees has no user [red]nobody.\n")


@pytest.mark.parametrize("command", ["list", "show", "add"])
def test_unknown_realm_is_one_clear_line_that_lists_the_known_ones(shared: Gatehouse, command: str) -> None:
    who = ["x"] if command == "show" else []
    ran = shared.run("users", command, *who, "--realm", "[red]nowhere")

    said = "Stage test has no realm [red]nowhere. It has: customers, employees, partners.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_names_that_look_like_markup_are_shown_as_they_are(shared: Gatehouse, name: str) -> None:
    odd = f"[red]{name}[/red]"
    added(shared, odd, "--name", "[/bold]")
    listed = [row for row in shared.run("users", "list", *EMPLOYEES).rows if odd in row]
    shown = {row[0]: row[1:] for row in shared.run("users", "show", odd, *EMPLOYEES).rows}
    asked = shared.run("users", "delete", odd, *EMPLOYEES, typed="n\n")

    assert [row[-2] for row in listed] == ["[/bold]"]
    assert (shown["username"], shown["name"]) == ([odd], ["[/bold]"])
    assert f"({odd})" in asked.out


@pytest.mark.parametrize("command", [("users", "list"), ("users", "show", "long")])
def test_nothing_is_cut_in_a_narrow_terminal(gatehouse: Gatehouse, command: tuple[str, ...]) -> None:
    gatehouse.provision(small_document())
    long = People.of(gatehouse.stage, "staff", BCRYPT_COST).add(None, None, username="long", name="n" * 300)
    out = gatehouse.run(*command, "--realm", "staff", columns=80).out

    assert "…" not in out
    assert out.count("n") >= len(long.name)


# Changing


def test_new_password_replaces_the_old_one(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    ran = shared.run("users", "set-password", user.email, *EMPLOYEES, "--password-stdin", typed=f"{CANARY}\n")

    assert (ran.code, ran.out) == (0, f"{user.user_id}: the password is set.\n")
    assert [status(http, user.username, typed) for typed in (PASSWORD, CANARY)] == [400, 200]


def test_new_password_under_the_policy_is_refused_and_the_old_one_stays(
    shared: Gatehouse, http: Http, people: PeopleMaker
) -> None:
    user = people.make()
    ran = shared.run("users", "set-password", user.username, *EMPLOYEES, "--password-stdin", typed="short\n")

    assert (ran.code, "8 characters or more" in ran.err) == (2, True)
    assert status(http, user.username, PASSWORD) == 200


def test_blocked_person_is_refused_until_unblocked(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    shared.run("users", "block", user.username, *EMPLOYEES)
    blocked = status(http, user.username, PASSWORD)
    shared.run("users", "unblock", user.username, *EMPLOYEES)

    assert (blocked, status(http, user.username, PASSWORD)) == (403, 200)


def locked_out(http: Http, people: PeopleMaker) -> str:
    """Return the username of somebody whose password was guessed at until even the right one is turned away."""
    user = people.make()
    for number in range(WRONG_TRIES):
        assert status(http, user.username, f"guess {number}") == 400
    assert status(http, user.username, PASSWORD) == 429
    return user.username


def test_unblock_lifts_a_brute_force_block(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    username = locked_out(http, people)
    shared.run("users", "unblock", username, *EMPLOYEES)

    assert status(http, username, PASSWORD) == 200


def test_new_password_lifts_a_brute_force_block(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    username = locked_out(http, people)
    shared.run("users", "set-password", username, *EMPLOYEES, "--password-stdin", typed=f"{CANARY}\n")

    assert status(http, username, CANARY) == 200


def test_block_by_the_operator_is_not_lifted_by_a_new_password(
    shared: Gatehouse, http: Http, people: PeopleMaker
) -> None:
    user = people.make(blocked=True)
    shared.run("users", "set-password", user.username, *EMPLOYEES, "--password-stdin", typed=f"{CANARY}\n")

    assert status(http, user.username, CANARY) == 403


# Deleting


def test_delete_asks_and_a_no_keeps_the_person(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    ran = shared.run("users", "delete", user.username, *EMPLOYEES, typed="n\n")

    assert (ran.code, ran.out.startswith(f"Delete {user.user_id} ({user.username}) for good?")) == (1, True)
    assert status(http, user.username, PASSWORD) == 200


@pytest.mark.parametrize(("options", "typed"), [((), "y\n"), (("--yes",), ""), (("-y",), "")])
def test_deleted_person_is_gone(
    shared: Gatehouse, http: Http, people: PeopleMaker, options: tuple[str, ...], typed: str
) -> None:
    user = people.make()
    ran = shared.run("users", "delete", user.username, *EMPLOYEES, *options, typed=typed)

    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"{user.user_id} is deleted.")
    assert [status(http, who, PASSWORD) for who in (user.username, user.email)] == [400, 400]
    assert shared.run("users", "show", user.user_id, *EMPLOYEES).code == 2


def test_name_of_a_deleted_person_is_free_for_a_new_user_id(shared: Gatehouse, http: Http, people: PeopleMaker) -> None:
    user = people.make()
    shared.run("users", "delete", user.username, *EMPLOYEES, "--yes")
    ran = added(shared, user.username, "--email", user.email)

    assert (ran.code, ran.out == f"{user.user_id}\n") == (0, False)
    assert status(http, user.username, CANARY) == 200


# Secrets


def test_no_command_prints_a_password_or_a_hash(shared: Gatehouse, name: str) -> None:
    imported = bcrypt_hash("$2a$")
    commands = [
        ("add", "--username", f"{name}-too", "--password-stdin"),
        ("add", "--username", f"{name}-too", "--password-stdin"),
        ("set-password", f"{name}-too", "--password-stdin"),
        ("show", name),
        ("show", name, "--json"),
        ("list",),
        ("list", "--json"),
        ("block", name),
        ("unblock", name),
        ("delete", name, "--yes"),
    ]
    ran = [imported_as(shared, name, imported)]
    ran += [shared.run("users", *command, *EMPLOYEES, typed=f"{CANARY}\n") for command in commands]
    output = "".join(one.out + one.err for one in ran)

    assert [one.code for one in ran] == [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]
    assert CANARY not in output
    assert "password_hash" not in output
    assert "password_history" not in output
    assert "$2" not in output
