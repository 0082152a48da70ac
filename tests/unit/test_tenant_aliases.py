"""Realms' aliases in a tenant file: where they are taken, and what is wrong with one."""

from pathlib import Path

import pytest

from tests.support.tenant_text import TENANT, faults, load_text, marked_line

ALIAS = "Username-Password-Authentication"
REALMS = f"""realms:
  - name: staff
    identifiers: [username]
    aliases: [{ALIAS}, people]
  - name: shop
    identifiers: [email]
"""
CLIENT = "clients:\n  - {client_id: app, name: A, grant_types: [password], realms: [%s]}\n"


def test_alias_is_taken_wherever_a_realms_name_is(tmp_path: Path) -> None:
    text = f"tenant: {{friendly_name: T, default_directory: {ALIAS}}}\n" + REALMS + CLIENT % f"{ALIAS}, shop, people"
    file = load_text(tmp_path, text + f"users:\n  {ALIAS}: [{{username: al}}]\n  staff: [{{username: bo}}]\n")

    assert file.realms[0].aliases == (ALIAS, "people")
    assert file.tenant.default_directory == "staff"
    assert file.clients[0].realms == ("staff", "shop")
    assert {name: [user.username for user in users] for name, users in file.users.items()} == {"staff": ["al", "bo"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            REALMS + "    aliases: [staff] # here\n",
            "realm `staff` stands twice (first on line 3): take one out",
            id="another realm's name",
        ),
        pytest.param(
            REALMS + "    aliases: [people] # here\n",
            "realm `people` stands twice (first on line 5): take one out",
            id="another realm's alias",
        ),
        pytest.param(
            REALMS + "    aliases: [shop] # here\n",
            "realm `shop` stands twice (first on line 6): take one out",
            id="its own name",
        ),
        pytest.param(
            REALMS + "    aliases: [a, a] # here\n",
            "realm `a` stands twice (first on line 8): take one out",
            id="twice",
        ),
        pytest.param(
            REALMS + "    aliases: ['no spaces'] # here\n",
            "entry 1 of `aliases` must be 1 to 128 characters of A-Z, a-z, 0-9, `-` and `_`, "
            "and start with a letter or a digit",
            id="form",
        ),
        pytest.param(
            REALMS + CLIENT.replace("\n", " # here\n").replace(" # here\n", "\n", 1) % "Peple",
            "realm `Peple` does not exist; did you mean `people`?",
            id="mistyped",
        ),
        pytest.param(
            REALMS + "users:\n  people:\n    - {username: al, password: short} # here\n",
            "`password` is shorter than the 8 characters of realm `staff`: write a longer one",
            id="policy of the users under an alias",
        ),
        pytest.param(
            REALMS + "users:\n  staff:\n    - {username: al}\n  people:\n    - {username: AL} # here\n",
            "username `al` stands twice (first on line 10): take one out",
            id="the same user under name and alias",
        ),
    ],
)
def test_fault_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert (marked_line(TENANT + text), message) in faults(tmp_path, TENANT + text)
