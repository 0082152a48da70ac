"""The destinations of messages, as the counters know them: one text for each way to write a number or an address."""

from collections.abc import Callable

from chalicelib.identifiers import canonical
from chalicelib.model.bucket import Bucket
from chalicelib.model.enrolment import EMAIL, SMS
from chalicelib.store.code_attempts import Allowance

HOUR_MS = 3_600_000
# To one number or address, over all accounts and whatever the messages are for.
DESTINATIONS = {SMS: Bucket(20, HOUR_MS // 20), EMAIL: Bucket(40, HOUR_MS // 40)}


def allowance_of(kind: str, address: str, mac: Callable[[str, bytes], bytes]) -> Allowance:
    """Return the allowance of the messages to a number or address, under a keyed hash of it. mac: of the stage key."""
    digest = mac("destination", destination(kind, address).encode()).hex()[:32]
    return Allowance(f"destination#{digest}", kind, DESTINATIONS[kind])


def stage_allowance(kind: str, per_hour: int) -> Allowance:
    """Return the allowance of all messages of a kind that the stage sends. per_hour: as the tenant says."""
    return Allowance("messages", kind, Bucket(per_hour, HOUR_MS // per_hour))


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
