"""The countries that text messages go to. Some cost a hundred times as much as others, and attract fraud."""

from chalicelib.errors import InvalidRequest


def require_country(number: str, countries: tuple[str, ...]) -> None:
    """Raise InvalidRequest for a number of another country than these.

    number: in E.164 form. countries: ISO 3166-1 codes; empty allows all. A number without a country, such as a
    satellite phone's, belongs to none of them.
    """
    if countries and _country_of(number) not in countries:
        raise InvalidRequest("Text messages are not sent to numbers of this country.")


def _country_of(number: str) -> str | None:
    # Only a login that sends a text message waits for this import.
    from phonenumbers import NumberParseException, parse, region_code_for_number  # noqa: PLC0415

    try:
        return region_code_for_number(parse(number))
    except NumberParseException:
        return None
