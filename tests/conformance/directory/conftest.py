"""Every directory in turn, with Muster asking it."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.directories import PRODUCTS, WITH_GRANT, Asking, asking


@pytest.fixture(params=PRODUCTS, ids=lambda product: product.__name__)
async def asked(request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    async with asking(request.param()) as running:
        yield running


@pytest.fixture(params=WITH_GRANT, ids=lambda product: product.__name__)
async def granted(request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    """Those that are asked with an access token, which has to be fetched."""
    async with asking(request.param()) as running:
        yield running
