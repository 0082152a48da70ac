"""Write the tenant of a soak: the demo tenant, with more users."""

from pathlib import Path

import yaml

from infra.tenant.client_secrets import DEMO

PASSWORD = "correct horse battery staple"
# The environment variable that names the file for the results.
RESULTS = "GATEHOUSE_SOAK_RESULTS"


def username(number: int) -> str:
    """Return the username of user `number`, counted from 0."""
    return f"person-{number}"


def write_tenant(directory: Path, people: int) -> Path:
    """Write the tenant file, and return its path."""
    document = yaml.safe_load(DEMO.read_text("utf-8"))
    document["users"]["employees"] += [
        {"username": username(number), "password": PASSWORD, "name": f"Person {number}"} for number in range(people)
    ]
    path = directory / "tenant.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path
