"""One tamperable IdP and a client of it, for each test."""

from collections.abc import AsyncIterator

import pytest

from proxy.oidc.client import OidcClient
from proxy.oidc.transport import open_session
from tests.fakes.idp import FakeIdp, rules_for, running_idp


@pytest.fixture
async def idp() -> AsyncIterator[FakeIdp]:
    async with running_idp() as running:
        yield running


@pytest.fixture
async def client(idp: FakeIdp) -> AsyncIterator[OidcClient]:
    async with open_session() as http:
        yield OidcClient(rules_for(idp), http)
