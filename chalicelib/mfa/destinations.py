"""The destinations of messages, as the counters know them: one text, however a number or an address is written."""

from chalicelib.identifiers import canonical
from chalicelib.model.enrolment import SMS


def destination(kind: str, address: str) -> str:
    """Return what names the place that a message of this kind goes to, however it is written."""
    return f"{kind}:{_international(address) if kind == SMS else canonical(address)}"


def _international(number: str) -> str:
    """Return a number without what is dialled only inside of its country; one of no country as it is.

    number: in E.164 form. Carriers may take `+4901…` for `+491…`.
    """
    # A login that sends no text message must not wait for the import.
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse  # noqa: PLC0415

    try:
        return format_number(parse(number), PhoneNumberFormat.E164)
    except NumberParseException:
        return number
