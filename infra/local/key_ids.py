"""Ciphertexts of moto's KMS with the whole ID of their key: by itself it cuts those of multi-Region keys."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from moto.kms import utils

_MULTI_REGION = b"mrk-"


@contextmanager
def whole_key_ids() -> Iterator[None]:
    """Let moto open what a multi-Region key sealed: the IDs that it gives to these keys are four characters longer."""
    of_moto = utils._serialize_ciphertext_blob, utils._deserialize_ciphertext_blob

    def pack(ciphertext: utils.Ciphertext) -> bytes:
        key_id = ciphertext.key_id.encode()
        header = struct.pack(_header(key_id), key_id, ciphertext.iv, ciphertext.tag)
        return header + bytes(ciphertext.ciphertext)

    def unpack(ciphertext_blob: bytes) -> utils.Ciphertext:
        header = _header(ciphertext_blob)
        size = struct.calcsize(header)
        key_id, iv, tag = struct.unpack(header, ciphertext_blob[:size])
        return utils.Ciphertext(key_id.decode(), iv, ciphertext_blob[size:], tag)

    utils._serialize_ciphertext_blob, utils._deserialize_ciphertext_blob = pack, unpack
    try:
        yield
    finally:
        utils._serialize_ciphertext_blob, utils._deserialize_ciphertext_blob = of_moto


def _header(beginning: bytes) -> str:
    """Return the format of a header whose key ID begins so, or a ciphertext that begins with one."""
    length = utils.KEY_ID_LEN + len(_MULTI_REGION) * beginning.startswith(_MULTI_REGION)
    return f">{length}s{utils.IV_LEN}s{utils.TAG_LEN}s"
