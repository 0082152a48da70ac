"""The thin path against moto in this process, as the local run and the tests will have it."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chalicelib.store.aws.caller import AwsRefused, AwsUnreachable
from chalicelib.store.aws.thin_client import ThinClient
from chalicelib.store.configuration.vault import data_key_alias
from infra.local.moto_transport import MotoTransport
from infra.stage.aws import Stage

KEY = {"pk": {"S": "thin"}}


@pytest.fixture
def client(stage: Stage) -> ThinClient:
    return ThinClient(MotoTransport(), os.environ, lambda pause_s: pause_s == 0)


@pytest.fixture
def table(stage: Stage) -> str:
    return f"{stage.prefix}config"


def test_item_that_one_path_writes_is_read_by_the_other(client: ThinClient, stage: Stage, table: str) -> None:
    item = {**KEY, "text": {"S": "caf\u00e9"}, "bytes": {"B": b"\x00\xff"}}
    client.ask("PutItem", {"TableName": table, "Item": item})
    try:
        read = client.ask("GetItem", {"TableName": table, "Key": KEY, "ConsistentRead": True})

        assert read["Item"] == item
        assert stage.clients.dynamodb.get_item(TableName=table, Key=KEY)["Item"] == item
    finally:
        client.ask("DeleteItem", {"TableName": table, "Key": KEY})
    assert "Item" not in client.ask("GetItem", {"TableName": table, "Key": KEY})


def test_condition_that_fails_brings_the_item_that_stands_there(client: ThinClient, table: str) -> None:
    missing = {"TableName": table, "Item": KEY, "ConditionExpression": "attribute_exists(pk)"}
    with pytest.raises(AwsRefused) as refused:
        client.ask("PutItem", missing)
    with pytest.raises(AwsRefused) as cancelled:
        client.ask("TransactWriteItems", {"TransactItems": [{"Put": missing}]})

    assert (refused.value.code, refused.value.status) == ("ConditionalCheckFailedException", 400)
    assert cancelled.value.code == "TransactionCanceledException"
    assert [reason["Code"] for reason in cancelled.value.body["CancellationReasons"]] == ["ConditionalCheckFailed"]


def test_signature_verifies(client: ThinClient, stage: Stage) -> None:
    kms = stage.clients.kms
    key_id = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signed = client.ask(
        "Sign",
        {"KeyId": key_id, "Message": b"text", "MessageType": "RAW", "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"},
    )
    public = load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])

    assert isinstance(public, RSAPublicKey)
    public.verify(signed["Signature"], b"text", PKCS1v15(), SHA256())


def test_data_key_opens(client: ThinClient, stage: Stage) -> None:
    context = {"gatehouse": "ada"}
    wanted = {"KeyId": data_key_alias(stage.name), "KeySpec": "AES_256", "EncryptionContext": context}
    made = client.ask("GenerateDataKey", wanted)
    opened = client.ask("Decrypt", {"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context})

    assert opened["Plaintext"] == made["Plaintext"]
    assert len(made["Plaintext"]) == 32


def test_host_that_moto_does_not_know_is_unreachable() -> None:
    with pytest.raises(AwsUnreachable, match="EndpointConnectionError"):
        MotoTransport()("aws.invalid", {}, b"{}")
