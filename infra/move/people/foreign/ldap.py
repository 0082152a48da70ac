"""Read a hash of an LDAP directory: `{SCHEME}` and a base64 (RFC 2307 and the schemes that directories added)."""

import re
from dataclasses import replace

from chalicelib.passwords.foreign.digests import SIZES
from chalicelib.passwords.foreign.text import HashText
from infra.move.people.faults import RowFault
from infra.move.people.members import from_base64

# Each scheme's digest, and whether it is salted.
DIGESTS = {
    "MD5": ("md5", False),
    "SMD5": ("md5", True),
    "SHA": ("sha1", False),
    "SSHA": ("sha1", True),
} | {
    f"{salted}SHA{bits}": (f"sha{bits}", bool(salted)) for bits in ("224", "256", "384", "512") for salted in ("", "S")
}
PBKDF2 = {"PBKDF2": "sha1", "PBKDF2-SHA1": "sha1", "PBKDF2-SHA256": "sha256", "PBKDF2-SHA512": "sha512"}
_SCHEME = re.compile(r"\{([A-Za-z0-9_/-]{1,32})\}(.*)", re.DOTALL)
_PBKDF2 = re.compile(r"([1-9][0-9]{0,9})\$([A-Za-z0-9./+=]{0,400})\$([A-Za-z0-9./+=]{1,400})")


def read_ldap(place: str, value: str, encoding: str) -> str:
    """Return the stored form of a directory's hash; raises RowFault.

    place: of the value, for the fault. encoding: of the password, one of the stored forms'.
    """
    found = _SCHEME.fullmatch(value)
    if found is None:
        raise RowFault(place, "FORMAT", "The hash must begin with its scheme in braces, such as {SSHA}.")
    scheme, rest = found[1].upper(), found[2]
    if scheme in PBKDF2:
        text = _read_pbkdf2(place, PBKDF2[scheme], rest)
    elif scheme in DIGESTS:
        text = _read_digest(place, scheme, rest)
    else:
        raise RowFault(place, "NOT_PASSED", f"The scheme {{{scheme}}} is not taken.")
    return replace(text, params=dict(text.params) | ({} if encoding == "utf8" else {"e": encoding})).write()


def _read_digest(place: str, scheme: str, rest: str) -> HashText:
    """Return the hash of a digest; the salt follows it, and stands behind the password."""
    digest, is_salted = DIGESTS[scheme]
    octets, size = from_base64(place, rest), SIZES[digest]
    if len(octets) < size or (len(octets) > size) != is_salted:
        raise RowFault(place, "FORMAT", f"The hash has another length than {{{scheme}}}'s.")
    return HashText.of_bytes(digest, {"p": "suffix"} if is_salted else {}, octets[size:], octets[:size])


def _read_pbkdf2(place: str, digest: str, rest: str) -> HashText:
    """Return the hash of OpenLDAP's pw-pbkdf2: iterations, salt and hash, in base64 with `.` for `+`."""
    found = _PBKDF2.fullmatch(rest)
    if found is None:
        raise RowFault(place, "FORMAT", "The hash must be ITERATIONS$SALT$HASH.")
    salt, checksum = (from_base64(place, found[part].replace(".", "+")) for part in (2, 3))
    return HashText.of_bytes(f"pbkdf2-{digest}", {"i": found[1]}, salt, checksum)
