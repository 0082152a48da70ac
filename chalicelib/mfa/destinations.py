"""The destinations of messages, as the counters know them: one text for each way to write a number or an address."""

from chalicelib.identifiers import canonical
from chalicelib.model.enrolment import SMS


def destination(kind: str, address: str) -> str:
    """Return the counters' name of the number or address that a message of this kind goes to."""
    return f"{kind}:{_international(address) if kind == SMS else canonical(address)}"


def _international(number: str) -> str:
    """Return a number without the digits that are dialled only inside its country; without a country, as it is.

    number: in E.164 form. Carriers may take `+4901…` for `+491…`.
    """
    # Only a login that sends a text message waits for this import.
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse  # noqa: PLC0415

    try:
        return format_number(parse(number), PhoneNumberFormat.E164)
    except NumberParseException:
        return number
