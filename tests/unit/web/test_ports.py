import aiohttp

from proxy.oidc.client import OidcClient
from proxy.web.ports import SignInFlow
from tests.fakes.web import FakeFlow


async def test_the_oidc_client_is_a_sign_in_flow() -> None:
    """mypy holds the signatures; this holds that both are built from the operator's rules alone."""
    rules = FakeFlow().rules
    async with aiohttp.ClientSession() as http:
        flow: SignInFlow = OidcClient(rules, http)
        assert flow.rules.id == rules.id
