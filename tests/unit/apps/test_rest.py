"""The app behind a preset, as it is opened from a configuration."""

from pathlib import Path

import aiohttp
import pytest

from proxy.apps.preset_file import parse_preset
from proxy.apps.rest import RestAppAdmin, open_app
from proxy.apps.template import Json
from proxy.apps.wire import CallRecord
from proxy.errors import SettingsError
from proxy.provisioning.app_admin import AppAdmin, Performed
from proxy.provisioning.errand import Errand
from proxy.provisioning.model import Create, Member, Profile
from proxy.reasons import Reason
from tests.fakes.rest_app import PRESET, CorpApp


async def test_an_app_is_opened_from_a_file_and_speaks(tmp_path: Path) -> None:
    (tmp_path / "corp.yaml").write_text(PRESET)
    calls: list[CallRecord] = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http, CorpApp() as corp:
        app: AppAdmin = open_app(
            preset="corp.yaml",
            base_dir=tmp_path,
            url=corp.url,
            credentials={"username": lambda: "root", "password": lambda: "s3cret"},
            http=http,
            variables={"rank": "guest"},
            observer=calls.append,
        )
        assert app.capabilities.archive_means == "off: cannot sign in"
        made = await app.perform(Create(profile=Profile(login="anna", email="a@example.com", name="Anna")))
        assert isinstance(made, Performed)
        assert isinstance(made.account, Member)
        assert made.account.role == "guest"
        assert await app.account(made.account.id) == made.account
        assert await app.search(email="A@example.com", login=None) == (made.account,)
        assert await app.groups() == ()
        assert isinstance(await app.whoami(), Member)
    assert {call.path for call in calls} >= {"/auth", "/v2/people", "/v2/me"}
    assert corp.seen[-1].headers["X-Client"] == "muster"


async def test_every_mistake_is_told_before_anything_is_called() -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(SettingsError) as error:
            open_app(
                preset="redmine",
                base_dir=Path(),
                url="http://127.0.0.1:1",
                credentials={"tokn": lambda: "x"},
                http=http,
                variables={"lang": "en"},
            )
    assert [problem.path for problem in error.value.problems] == [
        "app.credentials.token",
        "app.credentials.tokn",
        "app.variables.lang",
    ]
    assert error.value.source == "redmine"


async def test_no_credential_is_in_the_repr() -> None:
    async with aiohttp.ClientSession() as http:
        credentials = {"username": lambda: "root", "password": lambda: "s3cret"}
        app = RestAppAdmin(parse_preset(PRESET), "http://127.0.0.1:1", credentials, http)
        assert "s3cret" not in repr(app)


async def test_which_logins_an_app_can_have() -> None:
    rule = 'logins: ["{username}"]\n  login: {pattern: "[a-z]+", longest: 5}'
    preset = PRESET.replace('logins: ["{username}", "{email_local}", "{email}"]', rule)
    async with aiohttp.ClientSession() as http:
        app = RestAppAdmin(parse_preset(preset), "http://127.0.0.1:1", {}, http)
    assert [login for login in ("anna", "Anna", "annabel", "") if app.accepts_login(login)] == ["anna"]


async def test_what_is_asked_on_an_errand_is_reported_so_and_the_login_as_a_proof(tmp_path: Path) -> None:
    calls: list[CallRecord] = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http, CorpApp() as corp:
        credentials = {"username": lambda: "root", "password": lambda: "s3cret"}
        variables: dict[str, Json] = {"rank": "guest"}
        app = RestAppAdmin(
            parse_preset(PRESET), corp.url, credentials, http, variables=variables, observer=calls.append
        )
        errand = Errand(purpose="create", reason=Reason.PLANNED, cause="vouched for")
        create = Create(profile=Profile(login="anna", email="a@example.com", name="Anna"))
        assert isinstance(await app.on_errand(errand).perform(create), Performed)
        await app.groups()
    purposes = [one.errand.purpose for one in calls]
    assert purposes[0] == "proof"
    assert purposes.count("proof") == 1
    assert set(purposes) == {"proof", "create", "look"}
    assert {one.errand for one in calls if one.errand.purpose == "create"} == {errand}
