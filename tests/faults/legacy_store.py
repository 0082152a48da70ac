"""A team's legacy store, as the realm `partners` of the fault tests asks it: it has anybody who is not called down."""

from types import SimpleNamespace

from tests.support.people import PASSWORD

IMPORT_FROM = f"{__name__}:find_user"
REALM = "partners"
DOWN = "down"


def find_user(username: str, password: str, context: SimpleNamespace) -> dict[str, object] | None:
    if username.startswith(DOWN):
        raise ConnectionError(password)
    return {"email": username, "email_verified": True, "app_metadata": {}} if password == PASSWORD else None
