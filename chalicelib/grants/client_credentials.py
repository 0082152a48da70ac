"""The client credentials grant (RFC 6749 4.4): a client on its own behalf, within its client grant."""

from dataclasses import dataclass

from chalicelib.errors import AccessDenied, UnauthorizedClient, echo
from chalicelib.model.login import Login, Original
from chalicelib.model.request import Request
from chalicelib.model.tenant import CLIENT_CREDENTIALS, MANAGEMENT, Client, management_audience
from chalicelib.tokens.settlement import NothingToSettle, ProvedLogin


@dataclass(slots=True, eq=False, repr=False)
class ClientCredentialsGrant:
    """Proves the client itself, which is authenticated by now. A public client proves nothing, so it is refused."""

    grant_type: str = CLIENT_CREDENTIALS
    parameters: tuple[str, ...] = ()
    log_codes: tuple[str, str] = ("seccft", "feccft")
    is_for_users: bool = False

    def prove(self, client: Client, request: Request) -> ProvedLogin:
        """Return the login of the client itself.

        Raises UnauthorizedClient for a public client (RFC 6749 4.4), AccessDenied without a client grant for the API.
        """
        if client.token_endpoint_auth_method == "none":
            raise UnauthorizedClient(f"Grant type '{self.grant_type}' not allowed for the client.")
        audience = request.params.get("resource") or request.require("audience")
        is_management = audience == management_audience(request.issuer)
        scopes = client.client_grants.get(MANAGEMENT if is_management else audience)
        if scopes is None:
            raise AccessDenied(f"Client is not authorized to access {echo(audience)}.")
        login = Login(
            sub=f"{client.client_id}@clients",
            client_id=client.client_id,
            gty=("client-credentials",),
            original=Original(audience, scopes),
        )
        return ProvedLogin(login, NothingToSettle())
