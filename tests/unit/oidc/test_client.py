from proxy.oidc.client import OidcClient, SignedIn
from tests.fakes.idp import FakeIdp, named, sign_in


async def test_a_sign_in_ends_in_an_identity(client: OidcClient, idp: FakeIdp) -> None:
    result = await sign_in(client, idp)
    assert isinstance(result, SignedIn)
    assert result.identity.email == "alice@example.com"
    assert result.identity.groups == named("engineers")
    assert result.tokens.refresh_token
