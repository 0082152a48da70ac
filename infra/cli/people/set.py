"""`gatehouse users set`: change a user's profile."""

import json
from typing import Annotated, Any

import typer

from infra.cli.audit import auditing
from infra.cli.options import RealmOption, StageOption, console, reports_failures
from infra.cli.people.users import Who
from infra.errors import OperatorError
from infra.stage.aws import Stage, reach
from infra.stage.people import People

METADATA_HELP = "Members to set: a JSON object, or name=value; several. null removes one, the others stay."
Text = str | None
Flag = bool | None
Metadata = list[str] | None


@reports_failures
def set_(
    who: Who,
    realm: RealmOption,
    stage: StageOption,
    email: Annotated[Text, typer.Option(help="The email. A new one is not verified, unless you say so.")] = None,
    email_verified: Annotated[Flag, typer.Option(help="Whether the email is verified.")] = None,
    username: Annotated[Text, typer.Option(help="The username.")] = None,
    name: Annotated[Text, typer.Option(help="The full name.")] = None,
    given_name: Annotated[Text, typer.Option(help="The given name.")] = None,
    family_name: Annotated[Text, typer.Option(help="The family name.")] = None,
    nickname: Annotated[Text, typer.Option(help="The nickname.")] = None,
    picture: Annotated[Text, typer.Option(help="The https URL of a picture.")] = None,
    phone_number: Annotated[Text, typer.Option(help="The phone number, in E.164 form.")] = None,
    phone_verified: Annotated[Flag, typer.Option(help="Whether the phone number is verified.")] = None,
    user_metadata: Annotated[Metadata, typer.Option(help=METADATA_HELP)] = None,
    app_metadata: Annotated[Metadata, typer.Option(help=METADATA_HELP)] = None,
) -> None:
    """Change a user's profile. What is not named stays; an empty text removes one."""
    given: dict[str, Any] = {
        "email": email,
        "email_verified": email_verified,
        "username": username,
        "name": name,
        "given_name": given_name,
        "family_name": family_name,
        "nickname": nickname,
        "picture": picture,
        "phone_number": phone_number,
        "phone_verified": phone_verified,
        "user_metadata": _members("--user-metadata", user_metadata),
        "app_metadata": _members("--app-metadata", app_metadata),
    }
    if all(value is None for value in given.values()):
        raise OperatorError("Name what to change, such as --email. `gatehouse users set --help` lists it.")
    console.print(_change(reach(stage), realm, who, given))


def _change(stage: Stage, realm: str, who: str, given: dict[str, Any]) -> str:
    """Change a user, and return what became of it, in words. given: by field, None for one that stays."""
    changes = {field: value for field, value in given.items() if value is not None}
    people = People.of(stage, realm)
    user = people.find(who)
    with auditing(stage, "users set", realm=people.realm.name, user=user.user_id, changed=list(changes)) as audited:
        after = people.change(user, changes)
        changed = [field for field in given if getattr(after, field) != getattr(user, field)]
        audited.whom["changed"] = changed
    return f"{after.user_id}: {'changed ' + ', '.join(changed) if changed else 'nothing changed'}."


def _members(option: str, texts: Metadata) -> dict[str, Any] | None:
    """Return the metadata that an option's texts name, or None if it was not given. Raises OperatorError."""
    if texts is None:
        return None
    members: dict[str, Any] = {}
    for text in texts:
        name, has_value, value = text.partition("=")
        if text.lstrip().startswith("{"):
            found = _json(text)
            if not isinstance(found, dict):
                raise OperatorError(f"{option} holds no JSON object: {text}")
            members |= found
        elif name and has_value:
            members[name] = _json(value, value)
        else:
            raise OperatorError(f"{option} takes a JSON object, or name=value; not: {text}")
    return members


def _json(text: str, otherwise: Any = None) -> Any:
    """Return the value of a JSON text, or another one if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return otherwise
