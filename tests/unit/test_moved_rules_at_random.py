"""Scripts that were changed at random: each is refused, or does what its JavaScript does in every login."""

import json
import random
import re
import shutil
from pathlib import Path

import pytest

from infra.move.rules.names import TenantNames
from infra.move.rules.package import make_package
from infra.move.rules.translate import Rule, translate
from tests.support.auth0_rules import CASES, CONNECTIONS, imported, read_scripts, run_at_auth0, run_here

TRANSLATED = 150
NAMES = TenantNames(CONNECTIONS)
# The place that a member is not told of stops a rule here, and is undefined at Auth0.
SCRIPTS = [script for name, script in read_scripts().items() if name != "Office network"]
TOKEN = re.compile(r"\s+|//[^\n]*|'[^'\n]*'|`[^`]*`|\w+|===|!==|=>|&&|\|\||==|!=|<=|>=|\?\.|\?\?|.")
WORDS = re.findall(
    r"\S+",
    """! null undefined true false 0 1 '' 'a' [] {} ?? ?. == != < - + user.app_metadata user.user_metadata user.name
    user.plan user.logins_count context.clientName context.stats.loginsCount context.request.body return .length [0]
    .toLowerCase() .includes('a') .indexOf('manager') .concat('x') String( Boolean( Array.isArray( typeof""",
)


def changed(chance: random.Random) -> str:
    """Return one of the scripts with one to three words changed, taken out, put in or exchanged."""
    words = TOKEN.findall(chance.choice(SCRIPTS))
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3])):
        at, other = chance.randrange(len(words)), chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                words[at] = chance.choice(WORDS)
            case 1:
                words.insert(at, chance.choice([*WORDS, *TOKEN.findall(chance.choice(SCRIPTS))]))
            case 2:
                words[at], words[other] = words[other], words[at]
            case _:
                words[at] = ""
    return "".join(words)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("node"), reason="needs a JavaScript engine")
@pytest.mark.parametrize("seed", range(3))
def test_changed_script_is_refused_or_does_what_its_javascript_does(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    scripts: dict[str, str] = {}
    while len(scripts) < TRANSLATED:
        script = changed(chance)
        if not translate(Rule("rule", script, 1, True), "module", "rule", NAMES).why_not:
            scripts[f"rule {len(scripts)}"] = script
    there = run_at_auth0(scripts, CASES)
    package = make_package([Rule(name, script, 1, True) for name, script in scripts.items()], NAMES)
    with imported(package.files, tmp_path) as rules:
        for made in package.rules:
            here = [run_here(rules[made.function], case) for case in CASES]
            pairs = zip(here, there[made.rule.name], strict=True)
            # A script that is no JavaScript ran nowhere.
            differ = [pair for pair in pairs if pair[0] != pair[1] and "isNoJavaScript" not in pair[1]]
            assert not differ, f"{made.rule.script}\n{made.text}\n{json.dumps(differ[0])}"
