"""docs/run/operations.md: each alarm has its section, and the commands in it are there."""

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # has no types

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "run" / "operations.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n\n(.+?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
TEMPLATES = {
    name: cfn_yaml.load(str(PROJECT / "infra" / "stage" / name))["Resources"] for name in ("stage.yaml", "alarms.yaml")
}
ALARMS = [name for name, one in TEMPLATES["alarms.yaml"].items() if one["Type"] == "AWS::CloudWatch::Alarm"]
GROUPS = {
    one["Properties"]["LogGroupName"]["Fn::Sub"].replace("${Stage}", "prod")
    for one in TEMPLATES["stage.yaml"].values()
    if one["Type"] == "AWS::Logs::LogGroup"
}
COMMANDS = re.findall(r"^ {4}(aws .+)$", PAGE, re.MULTILINE)
# The AWS CLI has it by itself.
TAIL = ("logs", "tail")


def test_all_alarms_stand_in_one_template() -> None:
    assert [one for one in TEMPLATES["stage.yaml"].values() if one["Type"] == "AWS::CloudWatch::Alarm"] == []
    assert len(ALARMS) >= 12


def test_each_alarm_has_a_section_and_no_other_has() -> None:
    assert sorted(SECTIONS) == sorted(ALARMS)


@pytest.mark.parametrize("alarm", ALARMS)
def test_section_says_what_it_means_where_to_look_how_to_mend_and_when_it_is_nothing(alarm: str) -> None:
    meaning, look, *rest = re.split(r"^\*\*(.+?)\*\*", SECTIONS[alarm], flags=re.MULTILINE)
    first, mend_word, mend, nothing_word, nothing = rest

    assert (look, mend_word, nothing_word) == ("Look here first.", "Mend.", "It is nothing if")
    assert all(len(text.split()) > 3 for text in (meaning, mend, nothing))
    assert re.search(r"^ {4}(aws|gatehouse) ", first, re.MULTILINE)


@pytest.mark.parametrize("alarm", ALARMS)
def test_alarm_leads_to_its_section_by_name(alarm: str) -> None:
    properties = TEMPLATES["alarms.yaml"][alarm]["Properties"]

    assert properties["AlarmName"] == {"Fn::Sub": f"gatehouse-${{Stage}}-{alarm}"}
    assert properties["AlarmDescription"].endswith(f" Runbook: docs/run/operations.md#{alarm.lower()}")
    assert properties["AlarmActions"] == [{"Ref": "Topic"}]


@pytest.mark.parametrize("line", COMMANDS)
def test_command_of_the_page_asks_what_there_is(line: str) -> None:
    _, service, operation, *words = shlex.split(line)
    if (service, operation) == TAIL:
        assert words[0] in GROUPS
        return
    model = botocore.session.get_session().get_service_model(service)
    shapes = {xform_name(name, "-"): model.operation_model(name).input_shape for name in model.operation_names}
    asked = {word.removeprefix("--") for word in words if word.startswith("--")} - {"query"}
    shape = shapes[operation]
    assert asked <= ({xform_name(member, "-") for member in shape.members} if shape else set())
