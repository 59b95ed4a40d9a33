"""What the app is told about a session, what the courier tells the sessions, and pages as the edge writes them."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.app.observers import Observers
from proxy.app.rooms import Answering, Telling, make_courier, renderer
from proxy.demo.app import DemoApp
from proxy.errors import SettingsError
from proxy.gate.decision import Deny, Kind, SignIn
from proxy.identity import NOT_STATED, Groups
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Ready, Session
from proxy.settings.model import Settings
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import open_store
from proxy.telemetry.telemetry import Telemetry, TelemetryRules
from proxy.web.parts import Site
from proxy.web.render import Pages
from tests.fakes import provisioning
from tests.fakes.configurations import IDP, settings_of
from tests.fakes.people import groups, identity, key, session, subject
from tests.fakes.session_store import DictSessions

ALICE = Ready(login="alice.archer", account_id="7")


def fields(block: bytes | Reason) -> dict[str, str]:
    assert isinstance(block, bytes)
    assert block.endswith(b"\r\n")
    lines = block.decode("ascii").removesuffix("\r\n").split("\r\n")
    return dict(line.split(": ", 1) for line in lines)


def said(settings: Settings, stated: Groups = frozenset(), **changes: Any) -> dict[str, str]:
    """The identity headers of Alice's session."""
    one = replace(session(), identity=identity(groups=stated, **changes))
    return fields(renderer(settings)(one, ALICE))


def test_the_app_is_told_its_own_login_and_what_the_idp_vouches_for(tmp_path: Path) -> None:
    assert said(settings_of(tmp_path)) == {
        "X-Forwarded-User": "alice.archer",
        "X-Forwarded-Email": "alice@example.com",
        "X-Forwarded-Preferred-Username": "alice",
        "X-Forwarded-Groups": "",
    }


def test_an_address_that_nobody_verified_is_not_sent(tmp_path: Path) -> None:
    assert "X-Forwarded-Email" not in said(settings_of(tmp_path), is_email_verified=False)


def test_a_trusted_idps_address_is_sent(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, idps=[{**IDP, "trust_email": True}])
    assert said(settings, is_email_verified=False)["X-Forwarded-Email"] == "alice@example.com"


def test_what_the_idp_does_not_say_is_absent(tmp_path: Path) -> None:
    told = said(settings_of(tmp_path), email=None, username=None)
    assert told.keys() == {"X-Forwarded-User", "X-Forwarded-Groups"}


def test_groups_that_are_not_stated_have_no_header(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, headers={"groups_allowed": ["*"]})
    assert "X-Forwarded-Groups" not in said(settings, NOT_STATED)
    assert said(settings, groups())["X-Forwarded-Groups"] == ""


def test_only_groups_that_matter_to_the_app_are_sent(tmp_path: Path) -> None:
    links = [{"app": "Developers", "idp": ["engineers"]}]
    settings = settings_of(tmp_path, groups={"links": links}, headers={"groups_allowed": ["staff"]})
    told = said(settings, groups("engineers", "staff", "secret-project"))
    assert told["X-Forwarded-Groups"] == "engineers,staff"


def test_a_star_lets_all_groups_pass(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, headers={"groups_allowed": ["*"]})
    assert said(settings, groups("b", "a"))["X-Forwarded-Groups"] == "a,b"


@pytest.mark.parametrize(("length", "fits"), [(64, True), (65, False)])
def test_groups_beyond_the_cap_are_refused_never_cut(length: int, fits: bool, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, headers={"groups_allowed": ["*"], "groups_max_bytes": "64B"})
    one = replace(session(), identity=identity(groups=groups("x" * length)))
    block = renderer(settings)(one, ALICE)
    assert isinstance(block, bytes) if fits else block is Reason.GROUPS_TOO_LARGE


@pytest.mark.parametrize("login", ["al\u0131ce", "j\u00f6rg", " alice", "a\r\nX-Evil: b"])
def test_a_login_that_no_header_can_carry_is_refused_and_never_sent_as_another(
    login: str, tmp_path: Path
) -> None:
    account = Ready(login=login, account_id="4")
    assert renderer(settings_of(tmp_path))(session(), account) is Reason.LOGIN_NOT_SENDABLE


def test_whoever_has_a_percent_sign_in_their_login_is_sent_under_exactly_that(tmp_path: Path) -> None:
    account = Ready(login="al%C4%B1ce", account_id="5")
    block = renderer(settings_of(tmp_path))(session(), account)
    assert isinstance(block, bytes)
    assert block.startswith(b"X-Forwarded-User: al%C4%B1ce\r\n")


def test_an_app_that_reads_utf_8_is_sent_logins_as_utf_8(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, headers={"user_encoding": "utf-8"})
    block = renderer(settings)(session(), Ready(login="j\u00f6rg", account_id="4"))
    assert isinstance(block, bytes)
    assert block.startswith(b"X-Forwarded-User: j\xc3\xb6rg\r\n")


def test_without_an_app_a_claim_that_no_header_can_carry_is_refused_likewise(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, app=None, headers={"user_claim": "username"})
    assert renderer(settings)(session(), Ready(login="j\u00f6rg")) is Reason.LOGIN_NOT_SENDABLE


def test_the_headers_have_the_operators_names(tmp_path: Path) -> None:
    names = {"user": "X-User", "email": "X-Mail", "groups": "X-Teams", "username": "X-Nick"}
    assert said(settings_of(tmp_path, headers=names)).keys() == set(names.values())


def test_no_value_can_begin_another_header(tmp_path: Path) -> None:
    told = said(settings_of(tmp_path), username="a\r\nX-Forwarded-User: root")
    assert told["X-Forwarded-User"] == "alice.archer"
    assert told["X-Forwarded-Preferred-Username"] == "a%0D%0AX-Forwarded-User: root"


# --- telling the sessions ---


def stored(*sessions: Session) -> DictSessions:
    store = DictSessions()
    store.sessions = {one.key: one for one in sessions}
    return store


async def test_an_account_state_reaches_all_the_persons_sessions() -> None:
    store = stored(session(), session(number=2), session("bob", number=3))
    await Telling(sessions=store)(subject(), AccountRefused(reason=Reason.NO_SEAT))
    refused = {
        number for number in (1, 2, 3) if isinstance(store.sessions[key(number)].account, AccountRefused)
    }
    assert refused == {1, 2}


async def test_nothing_is_written_when_it_is_so_already() -> None:
    one = session()
    store = stored(one, session(number=2))
    await Telling(sessions=store)(subject(), one.account)
    assert store.log == []
    assert store.sessions[one.key].version == one.version


async def test_one_session_that_differs_is_enough() -> None:
    store = stored(session(), session(number=2, account=AccountRefused(reason=Reason.NO_SEAT)))
    await Telling(sessions=store)(subject(), session().account)
    assert store.sessions[key(2)].account == session().account


async def test_nobody_signed_in_is_nobody_to_tell() -> None:
    store = stored()
    store.fail_next.append("set_account")
    await Telling(sessions=store)(subject(), ALICE)


# --- the courier ---


def settings_for(app: DemoApp, folder: Path, **changes: Any) -> Settings:
    (folder / "app.token").write_text("demo-token\n")
    (folder / "app.token").chmod(0o600)
    section = {"preset": "demo", "url": app.url, "credentials": {"token": {"file": "app.token"}}} | changes
    return settings_of(folder, app=section)


async def visited(settings: Settings, folder: Path) -> Any:
    """What a visit for Ada makes of her account."""
    store = open_store(folder / "muster.db", load_keyring(folder / "muster.keys"))
    assert settings.app is not None
    try:
        async with aiohttp.ClientSession() as http:
            observers = Observers(Telemetry(TelemetryRules()))
            courier = make_courier(settings, settings.app, store, observers, http)
            await store.outbox.note(provisioning.vouched(), provisioning.NOW)
            account = await courier.visit_now(provisioning.subject())
            await courier.stop()
            return account
    finally:
        await store.close()


async def test_the_courier_speaks_the_preset_with_the_credential_and_writes_down_every_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = DemoApp()
    await app.start()
    try:
        account = await visited(settings_for(app, tmp_path), tmp_path)
    finally:
        await app.stop()
    made = app.state.by_login("ada")
    assert made is not None
    assert account == Ready(login="ada", account_id=str(made.id))
    out = capsys.readouterr().out
    assert '"event":"create"' in out
    assert '"event":"app_call"' in out
    assert "demo-token" not in out


async def test_the_calls_take_no_longer_than_the_operator_allows(tmp_path: Path) -> None:
    app = DemoApp()
    await app.start()
    app.state.faults.delay = 30.0
    try:
        async with asyncio.timeout(4):  # less than a visit for somebody signing in may take
            account = await visited(settings_for(app, tmp_path, timeout="200ms"), tmp_path)
    finally:
        await app.stop()
    assert not isinstance(account, Ready)


async def test_a_preset_that_wants_another_credential_is_refused(tmp_path: Path) -> None:
    app = DemoApp()
    settings = settings_for(app, tmp_path, url="http://127.0.0.1:1", credentials={})
    with pytest.raises(SettingsError, match="token"):
        await visited(settings, tmp_path)


# --- pages as the edge writes them ---


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.SCRIPT), 401),
        (Deny(status=503, reason=Reason.STORE_UNAVAILABLE, kind=Kind.NAVIGATION, retry_after=5), 503),
        (Deny(status=421, reason=Reason.WRONG_HOST, kind=Kind.SCRIPT), 421),
    ],
)
def test_a_page_of_ours_is_an_answer_of_the_edge(verdict: SignIn | Deny, status: int) -> None:
    pages = Pages(Site(public_url="https://app.example.com", is_cookie_secure=True))
    answer = Answering(pages=pages).answer(verdict, None, "incident-7")
    page = pages.answer(verdict, None, "incident-7")
    assert answer.status == status
    assert (answer.headers, answer.body) == (page.headers, page.body)
    assert answer.body
