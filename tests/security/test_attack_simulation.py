"""An attacker at one account, from another address with each guess, and the person at home."""

import xml.etree.ElementTree as ET

import pytest

from tests.figures.bursts import Burst
from tests.figures.guesses import PICTURE, picture, settings
from tests.figures.simulation import Day, provision_demo


@pytest.mark.usefixtures("stage")
def test_attacker_with_fresh_addresses_keeps_nobody_out_and_is_slowed() -> None:
    day = Day(guesses=150, logins=0).run(provision_demo("attacked"))

    assert (day.let_in, day.kept_out) == (2, 0)
    # A hundred in a row; then they come every 576 seconds, and find a turn every 900.
    assert day.looked_at == 100 + 25


@pytest.mark.usefixtures("stage")
def test_bursts_from_one_address_pass_its_figure_by_the_last_of_them_alone() -> None:
    in_flight = 60
    burst = Burst(in_flight, days=1).run(provision_demo("bursts"))

    assert settings()[4].first_day - in_flight <= burst.judged <= settings()[4].first_day + in_flight


@pytest.mark.slow
@pytest.mark.usefixtures("stage")
def test_ten_thousand_guesses_keep_nobody_out() -> None:
    day = Day(guesses=10_000, logins=0).run(provision_demo("attacked-all-day"))

    assert (day.let_in, day.kept_out) == (2, 0)
    assert day.looked_at <= settings()[1].first_day


def test_picture_in_the_docs_is_drawn_from_the_constants_of_today() -> None:
    drawn = picture(settings())

    assert PICTURE.read_text("utf-8") == drawn
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 (our own picture)
