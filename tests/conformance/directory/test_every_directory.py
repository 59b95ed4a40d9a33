"""What holds for every directory: two answers take something away, everything else is Unknown, and nothing is raised."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.oidc.directory.proof import COOL_OFF
from proxy.oidc.transport import MOST_BODY
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown
from tests.fakes.directories import (
    EMAIL,
    PRODUCTS,
    SECRET,
    WITH_GRANT,
    Asking,
    FakeDirectory,
    FakeOkta,
    asking,
    pem,
)
from tests.fakes.idp import NOW, Reply, named

NAMES = ["alpha@example.com", "beta@example.com", "gamma@example.com", "delta@example.com", "eps@example.com"]


async def ask(asked: Asking, email: str | None = EMAIL) -> Standing:
    return await asked.directory.ask(asked.subject, email, directory_id=asked.directory_id)


async def groups(asked: Asking) -> Any:
    return await asked.directory.groups(asked.subject, EMAIL, directory_id=asked.directory_id)


def always(reply: Reply) -> Callable[[Reply], Reply]:
    return lambda _: reply


def cause_of(standing: object) -> Cause:
    assert isinstance(standing, Unknown), standing
    return standing.cause


# --- people ---------------------------------------------------------------------------------------------------------


async def test_somebody_who_is_there_is_active(asked: Asking) -> None:
    assert await ask(asked) == Active()


async def test_somebody_suspended_is_suspended(asked: Asking) -> None:
    asked.fake.suspend()
    assert isinstance(await ask(asked), Suspended)


async def test_somebody_deleted_is_gone(asked: Asking) -> None:
    asked.fake.delete()
    gone = await ask(asked)
    assert isinstance(gone, Gone), gone
    assert gone.marker.startswith("http_404")


async def test_a_token_that_sees_nobody_any_more_makes_nobody_gone(asked: Asking) -> None:
    """The canary: a narrowed role answers 404 about everybody."""
    asked.fake.hide_everybody()
    unknown = await ask(asked)
    assert unknown == Unknown(detail="directory_shows_nobody", cause=Cause.MISCONFIGURED)


async def test_an_address_under_another_id_is_for_an_operator_to_look_at(asked: Asking) -> None:
    """Subjects that are no ids of the directory would make everybody gone at once."""
    asked.fake.delete()
    asked.fake.people[asked.fake.other].email = EMAIL
    assert await ask(asked) == Unknown(detail="address_under_another_id", cause=Cause.MISCONFIGURED)


async def test_a_canary_that_is_in_trouble_makes_nobody_gone(asked: Asking) -> None:
    asked.fake.delete()

    def fails_after_the_question(reply: Reply) -> Reply:
        is_question = asked.fake.canary == "user" and asked.fake.count("user") == 1
        return reply if is_question else replace(reply, status=503, body=b"busy")

    asked.fake.alter[asked.fake.canary] = fails_after_the_question
    assert cause_of(await ask(asked)) is Cause.TROUBLE


async def test_an_address_that_cannot_be_looked_up_makes_nobody_gone(asked: Asking) -> None:
    asked.fake.delete()

    def fails_from_the_second_look(reply: Reply) -> Reply:
        looks = asked.fake.count("user") + asked.fake.count("users")
        return replace(reply, status=503, body=b"busy") if looks == 3 else reply

    asked.fake.alter[asked.fake.canary] = fails_from_the_second_look
    assert cause_of(await ask(asked)) is Cause.TROUBLE


# --- what goes wrong ------------------------------------------------------------------------------------------------

BROKEN = {
    "500": Reply({"error": "x"}, status=500),
    "502 as HTML": Reply(b"<html>bad gateway</html>", status=502, content_type="text/html"),
    "503": Reply(b"", status=503),
    "429": Reply({"error": "x"}, status=429, headers={"Retry-After": "7"}),
    "408": Reply(b"", status=408),
    "HTML": Reply(b"<html>welcome</html>", content_type="text/html"),
    "broken JSON": Reply(b'{"enabled": fal'),
    "a number": Reply(b"3"),
    "an empty object": Reply({}),
    "an empty list": Reply([]),
    "a list of anything": Reply([1, None, "x"]),
    "nesting": Reply(b"[" * 100_000),
    "another truth value": Reply(
        {"id": "x", "enabled": 0, "accountEnabled": "no", "status": True, "suspended": 1, "archived": "yes"}
    ),
    "too much": Reply(b'"' + b"x" * MOST_BODY + b'"'),
    "cut off": Reply({"enabled": False, "accountEnabled": False, "status": "SUSPENDED"}, cut=9),
}
FORBIDDEN = {
    "400": Reply({"error": "invalid_request"}, status=400),
    "403": Reply({"error": "x"}, status=403),
    "redirect": Reply(b"", status=302, headers={"Location": "https://login.example.com/"}),
    "204": Reply(b"", status=204),
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_unknown(asked: Asking, reply: Reply) -> None:
    asked.fake.alter = {"user": always(reply), "groups": always(reply)}
    standing, known = await ask(asked), await groups(asked)
    assert isinstance(standing, Unknown), standing
    if not (
        reply.body == [] and known == frozenset()
    ):  # an empty list is what Keycloak and Okta say about none
        assert isinstance(known, Unknown), known


@pytest.mark.parametrize("reply", FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_a_refusal_is_misconfigured(asked: Asking, reply: Reply) -> None:
    asked.fake.alter = {"user": always(reply), "groups": always(reply)}
    assert cause_of(await ask(asked)) is Cause.MISCONFIGURED
    assert cause_of(await groups(asked)) is Cause.MISCONFIGURED


async def test_a_missing_permission_is_an_alarm_with_the_products_code(asked: Asking) -> None:
    asked.fake.alter["user"] = always(asked.fake.forbidden())
    unknown = await ask(asked)
    assert cause_of(unknown) is Cause.MISCONFIGURED
    assert isinstance(unknown, Unknown)
    assert unknown.detail.startswith("http_403")


async def test_a_product_that_is_busy_is_trouble(asked: Asking) -> None:
    asked.fake.alter["user"] = always(asked.fake.busy())
    assert cause_of(await ask(asked)) is Cause.TROUBLE


async def test_a_directory_that_asks_to_wait_is_left_alone(asked: Asking) -> None:
    asked.fake.alter["user"] = always(Reply({}, status=429, headers={"Retry-After": "20"}))
    assert await ask(asked) == Unknown(detail="http_429", retry_after=20.0)
    asked.fake.alter.clear()
    asked.now += 19
    assert await ask(asked) == Unknown(detail="asked_to_wait", retry_after=1.0)
    assert asked.fake.count("user") == 1
    asked.now += 1
    assert await ask(asked) == Active()


@pytest.mark.parametrize(
    ("product", "route"),
    [(FakeOkta, "user"), *((one, way) for one in WITH_GRANT for way in ("token", "user"))],
)
async def test_a_directory_that_hangs_is_unknown_in_time(product: type[FakeDirectory], route: str) -> None:
    async with asking(product(), timeout=0.3) as slow:
        slow.fake.alter[route] = always(Reply({}, is_held=True))
        started = asyncio.get_running_loop().time()
        assert cause_of(await ask(slow)) is Cause.TROUBLE
        assert asyncio.get_running_loop().time() - started < 5


async def test_a_server_that_is_not_there_is_unknown() -> None:
    for product in PRODUCTS:
        async with asking(product()) as here:
            directory, subject, person = here.directory, here.subject, here.directory_id
            here.fake.alter["token"] = here.fake.alter["user"] = lambda reply: replace(reply, cut=0)
            assert cause_of(await directory.ask(subject, EMAIL, directory_id=person)) is Cause.TROUBLE


# --- tokens ---------------------------------------------------------------------------------------------------------


def has_grant(asked: Asking) -> bool:
    return type(asked.fake) is not FakeOkta


async def test_a_token_is_kept_until_shortly_before_it_expires(granted: Asking) -> None:
    for wait, tokens in ((0, 1), (239, 1), (1, 2)):
        granted.now += wait
        assert await ask(granted) == Active()
        assert granted.fake.count("token") == tokens


async def test_many_questions_at_once_fetch_one_token(asked: Asking) -> None:
    assert set(await asyncio.gather(*(ask(asked) for _ in range(20)))) == {Active()}
    assert asked.fake.count("token") == (1 if has_grant(asked) else 0)


async def test_a_token_that_was_withdrawn_is_replaced_once(granted: Asking) -> None:
    assert await ask(granted) == Active()
    granted.fake.revoke_tokens()
    assert await ask(granted) == Active()
    assert granted.fake.count("token") == 2


async def test_a_directory_that_refuses_every_token_is_misconfigured(asked: Asking) -> None:
    asked.fake.alter["user"] = always(asked.fake.unauthorized())
    unknown = await ask(asked)
    assert cause_of(unknown) is Cause.MISCONFIGURED
    assert asked.fake.count("user") == (2 if has_grant(asked) else 1)


async def test_a_rotated_secret_is_misconfigured_and_is_read_again(granted: Asking) -> None:
    """Never gone, never suspended; and the token endpoint is not hammered meanwhile."""
    granted.fake.delete()
    granted.fake.alter["token"] = always(
        Reply({"error": "invalid_client", "error_description": f"bad {SECRET}"}, status=401)
    )
    assert await ask(granted) == Unknown(detail="token_http_401 invalid_client", cause=Cause.MISCONFIGURED)
    assert cause_of(await ask(granted)) is Cause.MISCONFIGURED
    assert granted.fake.count("token") == 1
    granted.fake.alter.clear()
    granted.now += COOL_OFF
    assert isinstance(await ask(granted), Gone)


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(b"", status=500), Cause.TROUBLE),
        (Reply(b"", status=429), Cause.TROUBLE),
        (Reply(b"<html>", content_type="text/html"), Cause.TROUBLE),
        (Reply({"token_type": "Bearer"}), Cause.TROUBLE),
        (Reply({"access_token": "a\nb"}), Cause.TROUBLE),
        (Reply({"access_token": ""}), Cause.TROUBLE),
        (Reply({"error": "unauthorized_client"}, status=400), Cause.MISCONFIGURED),
        (Reply({"error": ["odd"]}, status=403), Cause.MISCONFIGURED),
        (Reply(b"", status=404), Cause.MISCONFIGURED),
        (Reply(b"", status=302, headers={"Location": "/"}), Cause.MISCONFIGURED),
    ],
)
async def test_without_a_token_nothing_is_known(granted: Asking, reply: Reply, cause: Cause) -> None:
    granted.fake.alter["token"] = always(reply)
    assert cause_of(await ask(granted)) is cause
    assert cause_of(await groups(granted)) is cause
    assert granted.fake.count("user") == 0


async def test_no_secret_is_shown(asked: Asking) -> None:
    await ask(asked)
    asked.fake.alter["user"] = always(Reply({"error": SECRET + " " + pem()}, status=403))
    shown = [repr(await ask(asked)), repr(vars(asked.directory)), repr(asked.fake.rules())]
    tokens = asked.fake.tokens or {SECRET}
    for text in shown:
        assert not any(secret in text for secret in (SECRET, "PRIVATE KEY", *tokens))


# --- groups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(6))
async def test_groups_come_from_all_pages(asked: Asking, count: int) -> None:
    asked.fake.people[asked.fake.alice].groups = NAMES[:count]
    assert await groups(asked) == named(*NAMES[:count])


async def test_a_page_that_fails_gives_no_half_a_list(asked: Asking) -> None:
    names = [f"group-{number}@example.com" for number in range(asked.fake.page + 1)]
    asked.fake.people[asked.fake.alice].groups = names
    seen: list[Reply] = []

    def last_fails(reply: Reply) -> Reply:
        seen.append(reply)
        is_last = len(seen) == 2 or "getMemberObjects" in asked.fake.asked[-1].path
        return replace(reply, status=503, body=b"") if is_last else reply

    asked.fake.alter["groups"] = last_fails
    assert cause_of(await groups(asked)) is Cause.TROUBLE


async def test_somebody_who_is_not_found_has_no_known_groups(asked: Asking) -> None:
    """Not the empty set: that would take every group from whoever the token cannot see."""
    asked.fake.delete()
    assert isinstance(await groups(asked), Unknown)


@pytest.mark.parametrize("wrong", ["", " ", "\ud800", None, 7])
async def test_a_group_that_cannot_be_read_makes_the_list_unknown(asked: Asking, wrong: Any) -> None:
    asked.fake.people[asked.fake.alice].groups = ["alpha@example.com"]

    def spoiled(reply: Reply) -> Reply:
        text = reply.octets().decode().replace('"alpha@example.com"', json.dumps(wrong))
        return replace(reply, body=text.encode())

    asked.fake.alter["groups"] = spoiled
    assert isinstance(await groups(asked), Unknown)


# --- ids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["..", ".", "", "a b", "x" * 300, "a\nb"])
async def test_an_id_that_could_be_another_path_is_not_sent(asked: Asking, odd: str) -> None:
    subject = replace(asked.subject, subject=odd)
    unknown = await asked.directory.ask(subject, EMAIL, directory_id=odd)
    assert isinstance(unknown, Unknown)
    assert asked.fake.asked == []


async def test_only_the_wall_clock_of_the_caller_counts(asked: Asking) -> None:
    """A clock that goes back fetches a token anew instead of keeping one for years."""
    await ask(asked)
    asked.now = NOW - 86_400
    assert await ask(asked) == Active()
    assert asked.fake.count("token") == (2 if has_grant(asked) else 0)
