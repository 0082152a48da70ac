"""The section `keys` of a tenant file."""

from pathlib import Path

import pytest

from chalicelib.store.configuration.documents import tenant_from
from infra.tenant.faults import TenantFileError
from infra.tenant.file import load
from tests.support.tenant_text import BASE, load_text, marked_line


@pytest.mark.parametrize("days", [0, 31, 90, 1095])
def test_days_of_a_rotation_are_taken(tmp_path: Path, days: int) -> None:
    assert load_text(tmp_path, f"{BASE}keys: {{rotation_days: {days}}}\n").keys.rotation_days == days


def test_keys_rotate_every_ninety_days_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert load_text(tmp_path, BASE).keys.rotation_days == 90
    # A stage of the version before has no such section.
    assert tenant_from({"friendly_name": "Old"}).rotation_days == 90


@pytest.mark.parametrize("days", [-1, 1, 30, 1096, 10**9])
def test_rotation_that_tokens_outlive_or_that_is_too_rare_is_a_fault(tmp_path: Path, days: int) -> None:
    text = f"{BASE}keys: {{rotation_days: {days}}} # here\n"
    file = tmp_path / "tenant.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(TenantFileError) as refused:
        load(file)

    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{file}:{marked_line(text)}: `rotation_days` must be 0 or from 31 to 1095 days")
