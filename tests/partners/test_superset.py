"""The real Superset beyond the contract: sign-in by header, and that an archived account is out at once."""

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from proxy.apps.preset_file import load_preset
from proxy.apps.rest import RestAppAdmin
from proxy.provisioning.app_admin import Performed
from proxy.provisioning.model import AccountId, Archive, Restore
from tests.partners.superset import Superset, superset_process

pytestmark = pytest.mark.partner


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    with superset_process(tmp_path_factory.mktemp("superset")) as running:
        yield running


async def test_the_header_signs_in_and_an_archived_account_is_out_until_it_is_restored(
    superset: Superset,
) -> None:
    own = AccountId(await superset.make_user("carla"))
    credentials = {"username": lambda: superset.username, "password": lambda: superset.password}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        admin = RestAppAdmin(load_preset("superset", Path()), superset.url, credentials, http, timeout=20)
        assert await superset.page_as("carla") == 200
        assert await admin.perform(Archive(account=own)) == Performed()
        assert await superset.page_as("carla") == 401
        assert await admin.perform(Restore(account=own)) == Performed()
        assert await superset.page_as("carla") == 200
    assert await superset.page_as("stranger") == 401
