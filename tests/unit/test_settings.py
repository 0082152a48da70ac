"""The settings of a stage, from its environment: all faults at once, nothing unknown."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.settings import BadSettings, Settings

STAGE = {"GATEHOUSE_STAGE": "dev"}


def faults_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ(environ)
    return str(caught.value).splitlines()


def test_stage_alone_is_enough() -> None:
    assert Settings.from_environ(STAGE) == Settings(stage="dev", issuer="", bcrypt_cost=10)


def test_all_settings_are_read_and_strangers_left_alone() -> None:
    environ = {
        "GATEHOUSE_STAGE": "prod",
        "GATEHOUSE_ISSUER": "https://login.example.com/",
        "GATEHOUSE_BCRYPT_COST": "12",
        "GATEHOUSE_TRUSTED_PROXIES": "1",
        "AWS_REGION": "eu-west-1",
        "gatehouse_colour": "green",
    }

    assert Settings.from_environ(environ) == Settings("prod", "https://login.example.com/", 12, trusted_proxies=1)


@pytest.mark.parametrize("environ", [{}, {"GATEHOUSE_STAGE": ""}, {"STAGE": "dev"}])
def test_missing_stage_is_a_fault(environ: dict[str, str]) -> None:
    (fault,) = faults_of(environ)

    assert fault.startswith("GATEHOUSE_STAGE is missing")


@pytest.mark.parametrize("name", ["GATEHOUSE_STAGES", "GATEHOUSE_", "GATEHOUSE_stage", "GATEHOUSE_GATEHOUSE_STAGE"])
def test_unknown_setting_is_a_fault(name: str) -> None:
    (fault,) = faults_of({**STAGE, name: "x"})

    assert fault == f"{name} is no setting of Gatehouse."


@pytest.mark.parametrize(
    "issuer",
    ["https://login.example.com/", "http://127.0.0.1:8000/", "https://example.com/dev/", "http://[::1]:8000/"],
)
def test_url_with_its_final_slash_is_an_issuer(issuer: str) -> None:
    assert Settings.from_environ({**STAGE, "GATEHOUSE_ISSUER": issuer}).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.com",
        "login.example.com/",
        "//login.example.com/",
        "ftp://login.example.com/",
        "https:///",
        "https://login.example.com/?a=/",
        "https://login.example.com/#/",
        "https://[login.example.com/",
        "https://[::1/",
        "/",
        "x",
    ],
)
def test_other_text_is_no_issuer(issuer: str) -> None:
    (fault,) = faults_of({**STAGE, "GATEHOUSE_ISSUER": issuer})

    assert fault.startswith("GATEHOUSE_ISSUER must be")


@pytest.mark.parametrize(("text", "cost"), [("4", 4), ("10", 10), ("15", 15)])
def test_bcrypt_cost_is_a_number_from_4_to_15(text: str, cost: int) -> None:
    assert Settings.from_environ({**STAGE, "GATEHOUSE_BCRYPT_COST": text}).bcrypt_cost == cost


@pytest.mark.parametrize(
    "cost",
    ["", "3", "16", "-4", "+4", "4.0", "4 ", "ten", "٤", "²", "1e1", "0x4", pytest.param("1" * 5000, id="5000 digits")],
)
def test_other_bcrypt_cost_is_a_fault(cost: str) -> None:
    (fault,) = faults_of({**STAGE, "GATEHOUSE_BCRYPT_COST": cost})

    assert fault == "GATEHOUSE_BCRYPT_COST must be a number from 4 to 15."


def test_no_proxy_is_trusted_unless_the_stage_says_so() -> None:
    assert Settings.from_environ(STAGE).trusted_proxies == 0


@pytest.mark.parametrize("text", ["0", "1", "10"])
def test_trusted_proxies_are_a_number_from_0_to_10(text: str) -> None:
    assert Settings.from_environ({**STAGE, "GATEHOUSE_TRUSTED_PROXIES": text}).trusted_proxies == int(text)


@pytest.mark.parametrize("text", ["", "-1", "11", "one", "1.0", "01", "٤"])
def test_other_number_of_trusted_proxies_is_a_fault(text: str) -> None:
    (fault,) = faults_of({**STAGE, "GATEHOUSE_TRUSTED_PROXIES": text})

    assert fault == "GATEHOUSE_TRUSTED_PROXIES must be a number from 0 to 10."


def test_all_faults_are_told_at_once() -> None:
    names = ["ISSUER", "BCRYPT_COST", "TRUSTED_PROXIES", "B", "A"]
    told = faults_of({f"GATEHOUSE_{name}": "x" for name in names})

    assert [fault.split(" ")[0] for fault in told] == [
        "GATEHOUSE_A",
        "GATEHOUSE_B",
        "GATEHOUSE_STAGE",
        "GATEHOUSE_ISSUER",
        "GATEHOUSE_BCRYPT_COST",
        "GATEHOUSE_TRUSTED_PROXIES",
    ]


def test_faults_tell_no_values() -> None:
    assert "hunter2" not in str(faults_of({"GATEHOUSE_ISSUER": "hunter2", "GATEHOUSE_PASSWORD": "hunter2"}))


@settings(max_examples=500)
@given(
    st.dictionaries(
        st.sampled_from(
            ["GATEHOUSE_STAGE", "GATEHOUSE_ISSUER", "GATEHOUSE_BCRYPT_COST", "GATEHOUSE_TRUSTED_PROXIES", "GATEHOUSE_X"]
        ),
        st.text(max_size=20) | st.text("https:/.[]?#@10", max_size=20) | st.text(max_size=9).map("https://{}/".format),
    )
)
@example({"GATEHOUSE_STAGE": "dev", "GATEHOUSE_ISSUER": "https://\u2100/"})
def test_any_environment_yields_settings_or_its_faults(environ: dict[str, str]) -> None:
    try:
        read = Settings.from_environ(environ)
    except BadSettings as refused:
        assert str(refused)
    else:
        assert read.stage == environ["GATEHOUSE_STAGE"]


def test_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_STAGE", "from-the-process")

    assert Settings.from_environ().stage == "from-the-process"
