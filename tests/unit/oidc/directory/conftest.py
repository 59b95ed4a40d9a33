"""A server that answers one script, and calls to it."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.idp import FakeIdp, running_idp


@pytest.fixture
async def idp() -> AsyncIterator[FakeIdp]:
    async with running_idp() as running:
        yield running
