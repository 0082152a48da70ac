"""Each scheme of foreign hashes: how its text is read, what it costs, and how its checksum is derived."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import bcrypt

from chalicelib.passwords.foreign.digests import SIZES, digest_of
from chalicelib.passwords.foreign.text import HashText, Unreadable, decode

MAX_MS = 1000
MAX_MIB = 256
ENCODINGS = {"utf8": "utf-8", "latin1": "latin-1", "utf16le": "utf-16-le"}
BCRYPT_COSTS = range(4, 32)
BCRYPT_LIMIT_BYTES = 72
# Milliseconds, rounded up by half or more (docs/adr/0049 has the measurement): of bcrypt at cost 0, of an iteration of
# PBKDF2 by digest, of a MiB that scrypt mixes, of a MiB in one of Argon2's passes, and of one of Argon2's threads.
BCRYPT_MS = 60 / 2**10
PBKDF2_MS = {"md5": 5e-4, "sha1": 4e-4, "sha224": 4e-4, "sha256": 4e-4, "sha384": 6e-4, "sha512": 6e-4}
SCRYPT_MS = 3.0
ARGON2_MS = 1.5
ARGON2_THREAD_MS = 0.1
# Each pass starts its threads anew for each of its slices.
ARGON2_SLICES = 4
ARGON2_SALT_BYTES = 8
# The last character of a salt has two bits.
_BCRYPT_SALT = re.compile("[./A-Za-z0-9]{21}[.Oeu]")
_BCRYPT_CHECKSUM = re.compile("[./A-Za-z0-9]{31}")
_KIB = 1024
_MIB = _KIB * _KIB
_KEYSTREAM_BYTES = range(16, 257)


@dataclass(frozen=True, slots=True)
class ForeignHash:
    """A hash that is ready to be compared.

    derive: returns the checksum of a secret, None if the scheme does not take the secret whole.
    encoding: of the password, one of ENCODINGS. cost_ms: of one derivation, on one processor. memory_mib: of the same.
    """

    derive: Callable[[bytes], bytes | None] = field(repr=False)
    checksum: bytes = field(repr=False)
    encoding: str
    cost_ms: float = 0
    memory_mib: float = 0

    @property
    def is_bearable(self) -> bool:
        """Whether one derivation stays within MAX_MS and MAX_MIB."""
        return self.cost_ms <= MAX_MS and self.memory_mib <= MAX_MIB

    def matches(self, password: str) -> bool:
        """Return whether this is the hash of a password, exactly as it is given: one derivation."""
        try:
            secret, is_whole = password.encode(ENCODINGS[self.encoding]), True
        except UnicodeEncodeError:
            secret, is_whole = b"", False
        derived = self.derive(secret)
        return derived is not None and hmac.compare_digest(derived, self.checksum) and is_whole


def read(stored: str) -> ForeignHash:
    """Return the hash of a stored text; raises Unreadable. Its cost may be more than is bearable."""
    text = HashText.parse(stored)
    encoding = text.choice("e", tuple(ENCODINGS))
    family, _, digest = text.scheme.partition("-")
    if text.scheme in SIZES:
        return _read_digest(text, encoding)
    if family == "hmac" and digest in SIZES:
        return _read_hmac(text, encoding, digest)
    if family == "pbkdf2" and digest in PBKDF2_MS:
        return _read_pbkdf2(text, encoding, digest)
    readers = {
        "argon2i": _read_argon2,
        "argon2d": _read_argon2,
        "argon2id": _read_argon2,
        "bcrypt": _read_bcrypt,
        "firebase-scrypt": _read_firebase,
        "scrypt": _read_scrypt,
    }
    if text.scheme not in readers:
        raise Unreadable("The scheme of the hash is not known.")
    return readers[text.scheme](text, encoding)


def _checksum_of(text: HashText, size: int) -> bytes:
    checksum = decode(text.checksum)
    if len(checksum) != size:
        raise Unreadable(f"The hash has another length than {size} bytes.")
    return checksum


def _read_digest(text: HashText, encoding: str) -> ForeignHash:
    text.require_only("e", "p")
    begin, salted = digest_of(text.scheme), _salt_of(text)
    return ForeignHash(
        lambda secret: bytes(begin(salted(secret)).digest()), _checksum_of(text, SIZES[text.scheme]), encoding
    )


def _read_hmac(text: HashText, encoding: str, digest: str) -> ForeignHash:
    text.require_only("e", "p", "k")
    begin, salted, key = digest_of(digest), _salt_of(text), decode(text.params.get("k", ""))

    def derive(secret: bytes) -> bytes:
        return hmac.new(key, salted(secret), begin).digest()

    return ForeignHash(derive, _checksum_of(text, SIZES[digest]), encoding)


def _salt_of(text: HashText) -> Callable[[bytes], bytes]:
    """Return the function that puts the salt before or after a secret."""
    salt, position = decode(text.salt), text.choice("p", ("prefix", "suffix"))
    return lambda secret: salt + secret if position == "prefix" else secret + salt


def _read_pbkdf2(text: HashText, encoding: str, digest: str) -> ForeignHash:
    text.require_only("e", "i", "l")
    checksum, salt = decode(text.checksum), decode(text.salt)
    iterations = text.number("i", range(1, 2**31), 100_000)
    size = text.number("l", range(1, 513), len(checksum))
    if len(checksum) != size:
        raise Unreadable("The hash has another length than its parameter l.")

    def derive(secret: bytes) -> bytes:
        return hashlib.pbkdf2_hmac(digest, secret, salt, iterations, size)

    blocks = -(-size // SIZES[digest])
    return ForeignHash(derive, checksum, encoding, iterations * blocks * PBKDF2_MS[digest])


def _read_scrypt(text: HashText, encoding: str) -> ForeignHash:
    checksum = decode(text.checksum)
    if len(checksum) not in range(1, 513):
        raise Unreadable("The hash has another length than 1 to 512 bytes.")
    derive, cost_ms, memory_mib = _scrypt(text, len(checksum))
    return ForeignHash(derive, checksum, encoding, cost_ms, memory_mib)


def _read_firebase(text: HashText, encoding: str) -> ForeignHash:
    """Return a hash of Firebase's: AES-CTR under scrypt's key. The checksum is the key stream (docs/adr/0049)."""
    checksum = decode(text.checksum)
    if len(checksum) not in _KEYSTREAM_BYTES:
        raise Unreadable("The hash has another length than Firebase's.")
    key_of, cost_ms, memory_mib = _scrypt(text, 32)

    def derive(secret: bytes) -> bytes:
        # Of people from Firebase alone.
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

        encryptor = Cipher(algorithms.AES(key_of(secret)), modes.CTR(bytes(16))).encryptor()
        return encryptor.update(bytes(len(checksum))) + encryptor.finalize()

    return ForeignHash(derive, checksum, encoding, cost_ms, memory_mib)


def _scrypt(text: HashText, size: int) -> tuple[Callable[[bytes], bytes], float, float]:
    """Return scrypt under the text's parameters, its milliseconds and its MiB. size: of the key in bytes."""
    text.require_only("e", "ln", "r", "p")
    n, r = 1 << text.number("ln", range(1, 32)), text.number("r", range(1, 2**16), 8)
    p, salt = text.number("p", range(1, 2**12), 1), decode(text.salt)
    if n.bit_length() > 16 * r:
        raise Unreadable("The hash has more rounds than scrypt takes for its parameter r.")  # RFC 7914, section 2
    octets = 128 * r * (n + p + 2)

    def derive(secret: bytes) -> bytes:
        return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=2 * octets, dklen=size)

    return derive, 128 * n * r * p / _MIB * SCRYPT_MS, octets / _MIB


def _read_argon2(text: HashText, encoding: str) -> ForeignHash:
    text.require_only("e", "v", "m", "t", "p")
    checksum, salt, version = decode(text.checksum), decode(text.salt), text.number("v", range(16, 20), 16)
    lanes, passes = text.number("p", range(1, 256)), text.number("t", range(1, 2**31))
    kib = text.number("m", range(8 * lanes, 2**31))
    if version not in (16, 19) or len(checksum) not in range(4, 513) or len(salt) < ARGON2_SALT_BYTES:
        raise Unreadable("The hash has another version or length than Argon2's.")

    def derive(secret: bytes) -> bytes:
        from argon2.low_level import Type, hash_secret_raw  # noqa: PLC0415 (of people with such a hash alone)

        kind = {"argon2i": Type.I, "argon2d": Type.D, "argon2id": Type.ID}[text.scheme]
        return hash_secret_raw(secret, salt, passes, kib, lanes, len(checksum), kind, version)

    threads = passes * ARGON2_SLICES * lanes if lanes > 1 else 0
    cost_ms = kib / _KIB * passes * ARGON2_MS + threads * ARGON2_THREAD_MS
    return ForeignHash(derive, checksum, encoding, cost_ms, kib / _KIB)


def _read_bcrypt(text: HashText, encoding: str) -> ForeignHash:
    """Return a bcrypt of a password in another encoding, or, with `d=sha256`, of its SHA-256 in hex as Django's."""
    text.require_only("e", "d", "r")
    cost, is_digested = text.number("r", BCRYPT_COSTS), text.choice("d", ("", "sha256")) == "sha256"
    salt = f"$2b${cost:02}${text.salt}".encode()
    if not _BCRYPT_SALT.fullmatch(text.salt) or not _BCRYPT_CHECKSUM.fullmatch(text.checksum):
        raise Unreadable("The hash has another length than bcrypt's.")

    def derive(secret: bytes) -> bytes | None:
        key = hashlib.sha256(secret).hexdigest().encode() if is_digested else secret
        is_whole = len(key) <= BCRYPT_LIMIT_BYTES and b"\0" not in key
        derived = bcrypt.hashpw(key if is_whole else b"", salt)[-31:]
        return derived if is_whole else None

    return ForeignHash(derive, text.checksum.encode(), encoding, 2**cost * BCRYPT_MS)
