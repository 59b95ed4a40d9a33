"""The admin API of sessions: for who shows the token, and never everybody's for want of a filter."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.reasons import Reason
from proxy.session.model import Session
from proxy.web.admin_api import AdminApi
from tests.fakes.people import key, session, subject
from tests.fakes.session_store import DictSessions

TOKEN = {"Authorization": "Bearer adm1n"}
LONG = "ab" * 28


class House:
    def __init__(self) -> None:
        self.store = DictSessions()
        self.token = "adm1n"
        self.told: list[Session] = []
        for number, name in ((1, "alice"), (2, "alice"), (3, "bob")):
            made = replace(
                session(name, number), key=type(key())(f"{number:08x}{LONG}"), idp_session=f"sid-{number}"
            )
            self.store.sessions[made.key] = made
        self.api = AdminApi(
            sessions=self.store, token=lambda: self.token, told=self.told.append, clock=lambda: 5.0
        )

    def left(self) -> list[str]:
        return sorted(one.key[:8] for one in self.store.sessions.values())


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def client(house: House) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    application = web.Application()
    application.add_routes(house.api.routes())
    async with TestClient(TestServer(application)) as one:
        yield one


Client = TestClient[web.Request, web.Application]


WRONG = [{}, *({"Authorization": shown} for shown in ("Bearer wrong", "Basic adm1n", "Bearer", "adm1n"))]
CALLS = [
    ("GET", "/sessions"),
    ("GET", "/sessions/00000001"),
    ("DELETE", "/sessions?email=a"),
    ("DELETE", "/sessions/00000001"),
]


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_without_the_token_nothing_is_told_and_nothing_done(
    house: House, client: Client, headers: dict[str, str], method: str, path: str
) -> None:
    async with client.request(method, path, headers=headers) as answer:
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert await answer.json() == {"error": "admin_token"}
    assert len(house.store.sessions) == 3


async def test_an_empty_token_file_opens_nothing(house: House, client: Client) -> None:
    house.token = ""
    async with client.get("/sessions", headers={"Authorization": "Bearer "}) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2, 3]),
        ("?email=Alice@example.com", [1, 2]),
        ("?issuer=https://idp.example.com&subject=sub-bob", [3]),
        ("?idp=corp", [1, 2, 3]),
        ("?idp=other", []),
        ("?idp=corp&sid=sid-2", [2]),
    ],
)
async def test_who_is_signed_in(house: House, client: Client, query: str, found: list[int]) -> None:
    async with client.get(f"/sessions{query}", headers=TOKEN) as answer:
        listed = (await answer.json())["sessions"]
    assert sorted(int(one["session"][:8], 16) for one in listed) == found
    assert answer.headers["Cache-Control"] == "no-store"


async def test_one_is_shown_and_ended_by_its_first_digits(house: House, client: Client) -> None:
    async with client.get("/sessions/00000002", headers=TOKEN) as answer:
        assert (await answer.json())["sid"] == "sid-2"
    async with client.delete("/sessions/00000002", headers=TOKEN) as answer:
        assert await answer.json() == {"sessions_ended": 1}
    assert house.left() == ["00000001", "00000003"]
    assert [reason for _, reason in house.store.ended] == [Reason.ENDED_BY_OPERATOR]
    assert [one.subject for one in house.told] == [subject("alice")]


@pytest.mark.parametrize("named", ["0000", "00000000", "ffffffff", "00000001" + LONG + "00"])
async def test_what_names_no_one_session_ends_none(house: House, client: Client, named: str) -> None:
    for call in (client.get, client.delete):
        async with call(f"/sessions/{named}", headers=TOKEN) as answer:
            assert answer.status == 404
    assert len(house.store.sessions) == 3


async def test_all_of_a_person_end(house: House, client: Client) -> None:
    async with client.delete("/sessions?email=alice@example.com", headers=TOKEN) as answer:
        assert await answer.json() == {"sessions_ended": 2}
    assert house.left() == ["00000003"]
    async with client.delete("/sessions?email=nobody@example.com", headers=TOKEN) as answer:
        assert await answer.json() == {"sessions_ended": 0}


@pytest.mark.parametrize("query", ["", "?idp=corp", "?issuer=x", "?email=a&idp=corp", "?everybody=yes"])
async def test_nobody_is_ended_for_want_of_a_filter(house: House, client: Client, query: str) -> None:
    async with client.delete(f"/sessions{query}", headers=TOKEN) as answer:
        assert answer.status == 400
    assert len(house.store.sessions) == 3


async def test_a_store_that_is_away_is_a_503(house: House, client: Client) -> None:
    house.store.fail_next.append("of_subject")
    query = "?issuer=https://idp.example.com&subject=sub-bob"
    async with client.get(f"/sessions{query}", headers=TOKEN) as answer:
        assert (answer.status, await answer.json()) == (503, {"error": "store_unavailable"})
        assert int(answer.headers["Retry-After"]) > 0
