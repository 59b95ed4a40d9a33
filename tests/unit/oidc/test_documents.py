"""What an IdP publishes, through outages, rotations and many callers at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.oidc.documents import COOL_OFF, LIFE, Documents
from proxy.oidc.metadata import Metadata
from proxy.oidc.transport import Transport, open_session
from proxy.session.model import Misconfigured, Trouble
from tests.fakes.idp import NOW, FakeIdp, Reply, published, rsa_key, rules_for


@pytest.fixture
async def documents(idp: FakeIdp) -> AsyncIterator[Documents]:
    async with open_session() as http:
        rules = rules_for(idp)
        yield Documents(rules, Transport(rules, http))


def down(reply: Reply) -> Reply:
    return replace(reply, status=503, body=b"busy")


async def test_nothing_is_fetched_before_it_is_needed(idp: FakeIdp, documents: Documents) -> None:
    assert idp.requests == {}
    assert isinstance(await documents.metadata(NOW), Metadata)
    assert idp.requests == {"discovery": 1}


async def test_forty_callers_make_one_fetch(idp: FakeIdp, documents: Documents) -> None:
    answers = await asyncio.gather(*(documents.keys(NOW) for _ in range(40)))
    assert {len(keys) for keys in answers if isinstance(keys, tuple)} == {1}
    assert idp.requests == {"discovery": 1, "jwks": 1}


async def test_forty_callers_of_a_dead_idp_make_one_attempt(idp: FakeIdp, documents: Documents) -> None:
    idp.alter["discovery"] = down
    answers = await asyncio.gather(*(documents.metadata(NOW) for _ in range(40)))
    assert set(answers) == {Trouble(detail="http_503")}
    assert idp.requests == {"discovery": 1}


async def test_a_dead_idp_is_left_alone_for_the_cool_off(idp: FakeIdp, documents: Documents) -> None:
    idp.alter["discovery"] = down
    for later in (0, 1, COOL_OFF - 0.1, COOL_OFF, COOL_OFF + 1):
        assert await documents.metadata(NOW + later) == Trouble(detail="http_503")
    assert idp.requests == {"discovery": 2}


async def test_an_idp_that_comes_back_is_found_after_the_cool_off(idp: FakeIdp, documents: Documents) -> None:
    idp.alter["discovery"] = down
    await documents.metadata(NOW)
    idp.alter.clear()
    assert isinstance(await documents.metadata(NOW + COOL_OFF), Metadata)


async def test_a_copy_outlives_the_idp(idp: FakeIdp, documents: Documents) -> None:
    before = await documents.keys(NOW)
    idp.alter = {"discovery": down, "jwks": down}
    assert await documents.keys(NOW + LIFE - 1) is before
    assert await documents.keys(NOW + 10 * LIFE) is before
    assert await documents.keys(NOW + 10 * LIFE + 1) is before
    assert idp.requests["jwks"] == 2


async def test_a_copy_is_renewed_after_an_hour_so_that_withdrawn_keys_go(
    idp: FakeIdp, documents: Documents
) -> None:
    await documents.keys(NOW)
    idp.keys = {"keys": []}
    assert await documents.keys(NOW + LIFE) == ()


async def test_a_clock_that_goes_back_never_blocks_a_fetch(idp: FakeIdp, documents: Documents) -> None:
    idp.alter["discovery"] = down
    await documents.metadata(NOW)
    idp.alter.clear()
    assert isinstance(await documents.metadata(NOW - 1000), Metadata)


async def test_newer_keys_are_fetched_after_a_rotation(idp: FakeIdp, documents: Documents) -> None:
    old = await documents.keys(NOW)
    assert isinstance(old, tuple)
    idp.keys = published(rsa_key("rsa-2"))
    newer = await documents.newer_keys(old, NOW + COOL_OFF)
    assert isinstance(newer, tuple)
    assert [key.kid for key in newer] == ["rsa-2"]


async def test_forty_tokens_after_a_rotation_make_one_fetch(idp: FakeIdp, documents: Documents) -> None:
    old = await documents.keys(NOW)
    assert isinstance(old, tuple)
    idp.keys = published(rsa_key("rsa-2"))
    answers = await asyncio.gather(*(documents.newer_keys(old, NOW + COOL_OFF) for _ in range(40)))
    assert {keys[0].kid for keys in answers if isinstance(keys, tuple)} == {"rsa-2"}
    assert idp.requests["jwks"] == 2


async def test_for_strangers_keys_are_asked_for_at_most_every_ten_seconds_and_stand_meanwhile(
    idp: FakeIdp, documents: Documents
) -> None:
    old = await documents.keys(NOW)
    assert isinstance(old, tuple)
    assert await documents.newer_keys(old, NOW + 1) is old
    assert await documents.newer_keys(old, NOW + COOL_OFF - 0.1) is old
    assert idp.requests["jwks"] == 1


async def test_after_a_failed_look_strangers_hear_of_the_trouble_and_not_of_a_bad_signature(
    idp: FakeIdp, documents: Documents
) -> None:
    old = await documents.keys(NOW)
    assert isinstance(old, tuple)
    idp.alter["jwks"] = down
    for later in (COOL_OFF, COOL_OFF + 1):
        assert await documents.newer_keys(old, NOW + later) == Trouble(detail="http_503")
    assert idp.requests["jwks"] == 2


async def test_the_idps_own_answer_has_keys_looked_for_whatever_strangers_did_just_now(
    idp: FakeIdp, documents: Documents
) -> None:
    old = await documents.keys(NOW)
    assert isinstance(old, tuple)
    seen = await documents.newer_keys(old, NOW + COOL_OFF)
    assert isinstance(seen, tuple)
    idp.keys = published(rsa_key("rsa-2"))
    assert await documents.newer_keys(seen, NOW + COOL_OFF + 1) is seen
    newer = await documents.newer_keys(seen, NOW + COOL_OFF + 2, is_from_idp=True)
    assert isinstance(newer, tuple)
    assert [key.kid for key in newer] == ["rsa-2"]


async def test_an_idp_that_signs_with_a_key_it_does_not_publish_is_asked_once_a_second(
    idp: FakeIdp, documents: Documents
) -> None:
    seen = await documents.keys(NOW)
    told = []
    for later in (10.0, 10.1, 10.9, 11.0, 11.5):
        assert isinstance(seen, tuple)
        told.append(await documents.newer_keys(seen, NOW + later, is_from_idp=True))
        seen = await documents.keys(NOW + later)
    lately = Trouble(detail="keys_asked_lately")
    assert [one == lately for one in told] == [False, True, True, False, True]
    assert idp.requests["jwks"] == 3


async def test_an_idp_whose_keys_cannot_be_had_is_left_alone_by_its_own_answers_too(
    idp: FakeIdp, documents: Documents
) -> None:
    old = await documents.keys(NOW)
    assert isinstance(old, tuple)
    idp.alter["jwks"] = down
    for later in (10.0, 11.5, 19.9):
        told = await documents.newer_keys(old, NOW + later, is_from_idp=True)
        assert told == Trouble(detail="http_503")
    assert idp.requests["jwks"] == 2
    idp.alter.clear()
    assert isinstance(await documents.newer_keys(old, NOW + 20, is_from_idp=True), tuple)


async def test_keys_fetched_for_this_very_question_are_not_fetched_twice(
    idp: FakeIdp, documents: Documents
) -> None:
    keys = await documents.keys(NOW)
    assert isinstance(keys, tuple)
    assert await documents.newer_keys(keys, NOW) is keys
    assert idp.requests["jwks"] == 1


async def test_newer_keys_of_a_dead_idp_are_trouble_not_the_old_ones(
    idp: FakeIdp, documents: Documents
) -> None:
    old = await documents.keys(NOW)
    assert isinstance(old, tuple)
    idp.alter["jwks"] = down
    assert await documents.newer_keys(old, NOW + COOL_OFF) == Trouble(detail="http_503")
    assert await documents.keys(NOW + COOL_OFF) is old


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (Reply(b"<html>", content_type="text/html"), "not_json"),
        (Reply(b'{"issuer": '), "not_json"),
        (Reply([]), "not_json"),
        (Reply({}, status=404), "http_404"),
        (Reply({}, status=500), "http_500"),
        (Reply({}, status=302, headers={"Location": "/"}), "http_302"),
        (Reply(b"x" * 2**21), "answer_too_large"),
        (Reply({"a": "x" * 99}, cut=5), "answer_broken"),
    ],
)
async def test_every_broken_answer_is_trouble(
    idp: FakeIdp, documents: Documents, endpoint: str, reply: Reply, detail: str
) -> None:
    idp.alter[endpoint] = lambda _: reply
    assert await documents.keys(NOW) == Trouble(detail=detail)


async def test_a_document_that_is_wrong_is_misconfigured(idp: FakeIdp, documents: Documents) -> None:
    idp.keys = {"keys": "none"}
    assert await documents.keys(NOW) == Misconfigured(code="keys_malformed")


async def test_a_good_copy_outlives_a_wrong_new_document(idp: FakeIdp, documents: Documents) -> None:
    before = await documents.metadata(NOW)
    idp.announce = {"issuer": "https://other.example.com"}
    assert await documents.metadata(NOW + LIFE) is before


async def test_another_issuers_document_is_misconfigured(idp: FakeIdp, documents: Documents) -> None:
    idp.announce = {"issuer": "https://other.example.com"}
    assert await documents.keys(NOW) == Misconfigured(code="discovery_issuer_mismatch")
    assert "jwks" not in idp.requests


async def test_a_caller_that_goes_away_blocks_nobody(idp: FakeIdp, documents: Documents) -> None:
    idp.alter["discovery"] = lambda reply: replace(reply, is_held=True)
    leaving = asyncio.create_task(documents.metadata(NOW))
    async with asyncio.timeout(5):
        while not idp.requests:
            await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    idp.alter.clear()
    assert isinstance(await documents.metadata(NOW), Metadata)
