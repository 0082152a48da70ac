"""Load API Gateway's own answers from responses.yaml, for the local gateway, and put them on a deployed API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.literals import GatewayResponseTypeType

SOURCE = Path(__file__).with_name("responses.yaml")
CONTEXT_PREFIX = "context."


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One answer that API Gateway gives by itself.

    status: the HTTP status; None keeps API Gateway's own.
    headers: fixed text, or `context.NAME` for one of API Gateway's variables.
    Source: RFC 6749 5.2 for the body.
    """

    error: str
    description: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """The JSON body."""
        return json.dumps({"error": self.error, "error_description": self.description})

    def headers_for(self, context: Mapping[str, str]) -> dict[str, str]:
        """Return the headers as sent. context: API Gateway's variables by name; raises KeyError for one it lacks."""
        return {name: _render(value, context) for name, value in self.headers.items()}


def load_gateway_responses(source: Path = SOURCE) -> dict[str, GatewayResponse]:
    """Return the answers by API Gateway's response type, such as REQUEST_TOO_LARGE, with all of their headers."""
    document = yaml.safe_load(source.read_text("utf-8"))
    return {kind: _response(entry, document["headers"]) for kind, entry in document["responses"].items()}


def put_gateway_responses(client: "APIGatewayClient", rest_api_id: str, stage: str) -> None:
    """Put our answers on a deployed API, and deploy them to the API Gateway stage.

    Needed after each `chalice deploy`, which overwrites the whole API. Raises botocore's ClientError if AWS refuses.
    """
    for kind, response in load_gateway_responses().items():
        status: dict[str, Any] = {} if response.status is None else {"statusCode": str(response.status)}
        client.put_gateway_response(
            restApiId=rest_api_id,
            # The file's keys are strings; a test holds them against API Gateway's own list.
            responseType=cast("GatewayResponseTypeType", kind),
            responseParameters={
                f"gatewayresponse.header.{name}": _mapping_expression(v) for name, v in response.headers.items()
            },
            responseTemplates={"application/json": response.body},
            **status,
        )
    client.create_deployment(restApiId=rest_api_id, stageName=stage, description="API Gateway's own answers")


def _response(entry: Mapping[str, Any], shared: Mapping[str, str]) -> GatewayResponse:
    headers = {**shared, **entry.get("headers", {})}
    return GatewayResponse(entry["error"], entry["description"], entry.get("status"), headers)


def _render(value: str, context: Mapping[str, str]) -> str:
    return context[value.removeprefix(CONTEXT_PREFIX)] if value.startswith(CONTEXT_PREFIX) else value


def _mapping_expression(value: str) -> str:
    """Return the header as a mapping expression, with fixed text in single quotes."""
    return value if value.startswith(CONTEXT_PREFIX) else f"'{value}'"
