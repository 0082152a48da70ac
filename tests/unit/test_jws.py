"""Tokens that KMS signs are PyJWT's, byte for byte."""

import json
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm
from jwt.api_jws import PyJWS
from jwt.utils import der_to_raw_signature

from chalicelib.errors import ServerError
from chalicelib.model.key import SigningKey
from chalicelib.tokens.jws import Sign, sign_token, write_unsigned

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
INTEGERS = st.integers(1, P256_ORDER - 1)
# Every length that an integer of a signature can have, with and without the zero that keeps DER's positive.
SHORT_INTEGERS = st.builds(lambda bits, number: max(1, number >> bits), st.integers(0, 255), INTEGERS)
HEADERS = st.fixed_dictionaries({"kid": st.text(max_size=50), "typ": st.sampled_from(["at+jwt", "JWT"])})
CLAIMS = st.dictionaries(st.text(max_size=20), st.text(max_size=50) | st.integers() | st.booleans(), max_size=10)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def kms_key(alg: str) -> SigningKey:
    return SigningKey("kid", alg, f"arn of {alg}", {}, "current", 0)


def token(claims: dict[str, Any], alg: str, headers: dict[str, str], sign: Sign) -> tuple[bytes, str]:
    """Return the payload, and the token that we write of it."""
    payload = json.dumps(claims, ensure_ascii=False).encode()
    return payload, sign_token(write_unsigned("token", payload, kms_key(alg), headers), sign)


@given(claims=CLAIMS, headers=HEADERS)
def test_rs256_tokens_are_pyjwts(claims: dict[str, Any], headers: dict[str, str]) -> None:
    def sign(key_id: str, alg: str, message: bytes) -> bytes:
        assert (key_id, alg) == ("arn of RS256", "RS256")
        return rsa_key().sign(message, padding.PKCS1v15(), SHA256())

    payload, ours = token(claims, "RS256", headers, sign)

    # PKCS#1 v1.5 has one signature for each message.
    assert ours == PyJWS().encode(payload, rsa_key(), "RS256", headers)


class Given(ECAlgorithm):
    """PyJWT's ES256, with a signature that is given: each signing draws another."""

    def __init__(self, der: bytes) -> None:
        super().__init__(SHA256, ec.SECP256R1)
        self.der = der

    def sign(self, msg: bytes, key: Any) -> bytes:
        return der_to_raw_signature(self.der, ec.SECP256R1())


@given(claims=CLAIMS, headers=HEADERS, r=INTEGERS | SHORT_INTEGERS, s=INTEGERS | SHORT_INTEGERS)
def test_es256_tokens_are_pyjwts(claims: dict[str, Any], headers: dict[str, str], r: int, s: int) -> None:
    der = encode_dss_signature(r, s)
    pyjwt = PyJWS(algorithms=[])
    pyjwt.register_algorithm("ES256", Given(der))

    payload, ours = token(claims, "ES256", headers, lambda *_: der)

    assert ours == pyjwt.encode(payload, ec.generate_private_key(ec.SECP256R1()), "ES256", headers)


def test_es256_token_is_verified_by_pyjwt() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    _, ours = token({"sub": "ada"}, "ES256", {"kid": "1"}, lambda _, __, message: key.sign(message, ec.ECDSA(SHA256())))

    assert jwt.decode(ours, key.public_key(), algorithms=["ES256"]) == {"sub": "ada"}


@pytest.mark.parametrize("answer", [b"", b"0", b"<html>", b"\x30\x06\x02\x01\x01\x02\x01\x01\x00", b"\x01" * 256])
def test_answer_that_is_no_signature_signs_no_es256_token(answer: bytes) -> None:
    with pytest.raises(ValueError, match="no ECDSA signature"):
        token({}, "ES256", {}, lambda *_: answer)


@pytest.mark.parametrize("cut", range(1, 71))
def test_signature_that_was_cut_signs_no_es256_token(cut: int) -> None:
    der = encode_dss_signature(P256_ORDER - 1, P256_ORDER - 2)
    with pytest.raises(ValueError, match="no ECDSA signature"):
        token({}, "ES256", {}, lambda *_: der[:-cut])


@pytest.mark.parametrize(("size", "is_signable"), [(4096, True), (4097, False)])
def test_token_over_what_kms_signs_is_refused_before_it_is_signed(size: int, is_signable: bool) -> None:
    head = len(write_unsigned("token", b"", kms_key("RS256"), {}).signing_input)
    payload = b" " * ((size - head) * 3 // 4)
    if is_signable:
        assert len(write_unsigned("token", payload, kms_key("RS256"), {}).signing_input) == size
    else:
        with pytest.raises(ServerError):
            write_unsigned("token", payload, kms_key("RS256"), {})
