"""The README is short, and its commands are those that other tests run."""

import os
import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text("utf-8")
DEPLOY = (PROJECT / "docs" / "run" / "deploy.md").read_text("utf-8")
FENCED = re.findall(r"^```sh\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
INDENTED = re.findall(r"^ {4}(\S.*)$", README, re.MULTILINE)


def test_readme_has_at_most_130_lines() -> None:
    assert len(README.splitlines()) <= 130


def test_command_blocks_are_a_run_a_curl_and_a_deployment() -> None:
    # tests/clients/test_curl_docs.py pastes the curl.
    curl, deployment = FENCED
    assert INDENTED == ["make run"]
    assert curl.startswith("curl ")
    assert deployment.startswith("make setup ")


def test_make_run_starts_the_command_that_the_local_tests_start() -> None:
    # The set-up is taken for done, so that this installs nothing.
    line = ["make", "--dry-run", "--assume-old=.venv/.installed", "run"]
    # A make that runs these tests tells the makes below it of itself.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    ran = subprocess.run(line, cwd=PROJECT, env=alone, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [".venv/bin/gatehouse", "local", "--port", "8000", "--host", "127.0.0.1"]


def test_deployment_is_the_one_that_the_deploy_tests_run() -> None:
    # tests/deploy/conftest.py runs the gatehouse lines of that page, word for word and in their order.
    explained = re.findall(r"^ {4}((?:make setup|\. |cp |gatehouse ).*)$", DEPLOY, re.MULTILINE)
    assert FENCED[1].splitlines() == explained


def test_sentences_of_the_warning_are_five_lines() -> None:
    warning = README.partition("## Read this first\n\n")[2].partition("\n\n")[0]
    assert "must not be used" in warning
    assert len(warning.splitlines()) == 5
