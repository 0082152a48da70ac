"""Which countries text messages go to: some cost a hundred times what others do, and fraud pumps them there."""

from chalicelib.errors import InvalidRequest


def require_country(number: str, countries: tuple[str, ...]) -> None:
    """Let a number pass that belongs to one of these countries; none named means all. Raises InvalidRequest.

    number: in E.164 form. countries: ISO 3166-1 codes. A number of no country, such as a satellite phone's, belongs to
    none of them.
    """
    if countries and _country_of(number) not in countries:
        raise InvalidRequest("Text messages are not sent to numbers of this country.")


def _country_of(number: str) -> str | None:
    # A login that sends no text message must not wait for the import.
    from phonenumbers import NumberParseException, parse, region_code_for_number  # noqa: PLC0415

    try:
        return region_code_for_number(parse(number))
    except NumberParseException:
        return None
