"""Run `gatehouse migrate auth0`."""

from click import unstyle
from typer.testing import CliRunner

from infra.cli.main import app


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["migrate", "auth0", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, unstyle(result.stdout), unstyle(result.stderr)
