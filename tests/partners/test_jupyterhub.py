"""The real JupyterHub beyond the contract: sign-in by header, a service's token, leaving without an archive."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from proxy.apps.preset_file import load_preset
from proxy.apps.rest import RestAppAdmin
from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import Performed
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Create,
    Gone,
    GroupId,
    Join,
    Leave,
    Member,
    Profile,
)
from proxy.provisioning.plan import Terms, plan
from proxy.reasons import Reason
from tests.partners.jupyterhub import JupyterHub, jupyterhub_process

pytestmark = pytest.mark.partner

ANNA = AccountId("anna@example.com")
STAFF = AppGroup(id=GroupId("staff"), name=AppGroupName("staff"))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterHub]:
    with jupyterhub_process(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
async def service(hub: JupyterHub) -> AsyncIterator[RestAppAdmin]:
    """Asks with the token of a service, whose role has the scopes that the preset names."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield RestAppAdmin(
            load_preset("jupyterhub", Path()), hub.url, {"token": lambda: hub.service_token}, http
        )


async def test_the_scopes_named_in_the_preset_are_enough_and_a_service_is_nobodys_account(
    hub: JupyterHub, service: RestAppAdmin
) -> None:
    assert await service.whoami() is None
    made = await service.perform(Create(profile=Profile(login="zoe@example.com", email=None, name=None)))
    assert isinstance(made, Performed)
    await hub.make_group("zoes")
    group = AppGroup(id=GroupId("zoes"), name=AppGroupName("zoes"))
    assert await service.perform(Join(account=AccountId("zoe@example.com"), group=group)) == Performed()
    assert await hub.members("zoes") == {"zoe@example.com"}


async def test_somebody_who_left_loses_the_linked_groups_and_keeps_the_account_and_all_other_groups(
    hub: JupyterHub, service: RestAppAdmin
) -> None:
    await hub.make_user(ANNA)
    await hub.make_group("staff", ANNA)
    await hub.make_group("by-hand", ANNA)
    member, groups = await service.account(ANNA), await service.groups()
    assert isinstance(member, Member)
    assert isinstance(groups, tuple)
    terms = Terms(capabilities=service.capabilities, owned=frozenset({STAFF.name}))
    found = plan(Gone(reason=Reason.IDP_DENIED), member, groups, terms)
    assert [step.operation for step in found.steps] == [Leave(account=ANNA, group=STAFF, login=ANNA)]
    assert [note.reason for note in found.notes] == [Reason.NO_ARCHIVE]
    for step in found.steps:
        assert await service.perform(step.operation) == Performed()
    assert (await hub.users())[ANNA].groups == {"by-hand"}


async def test_the_header_signs_in_whoever_has_an_account_and_nobody_else(hub: JupyterHub) -> None:
    await hub.make_user("ben@example.com")
    status, text = await hub.page_as("ben@example.com")
    assert (status, "ben@example.com" in text) == (200, True)
    assert (await hub.page_as("stranger@example.com"))[0] == 403
    assert (await hub.page_as(None))[0] in {401, 403}
