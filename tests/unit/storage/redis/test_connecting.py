"""One connection: signed in, its replies read whole, its files read again."""

import asyncio
import os
import ssl
from pathlib import Path

import pytest
from redis.exceptions import NoScriptError

from proxy.storage.redis.connecting import Dialler, _WatchedContext, exchange, make_context
from proxy.storage.redis.faults import Elsewhere, Lost, Refused
from proxy.storage.redis.place import Address, Login, Socket, Tls
from tests.fakes.certificates import Authority
from tests.fakes.redis_server import OK, bulk, error, fake_redis


async def test_it_signs_in_with_the_password_of_the_moment() -> None:
    passwords = ["old", "new"]
    seen: list[list[bytes]] = []

    def answer(words: list[bytes]) -> bytes:
        seen.append(words)
        return OK

    async with fake_redis(answer) as fake:
        dialler = Dialler(Login(username="muster", password=lambda: passwords.pop(0)), None, database=3)
        for _ in range(2):
            await (await dialler.open(fake.address)).disconnect()
    assert seen[0] == [b"AUTH", b"muster", b"old"]
    assert seen[1] == [b"SELECT", b"3"]
    assert seen[2] == [b"AUTH", b"muster", b"new"]


async def test_a_refused_login_says_so() -> None:
    async with fake_redis(lambda _: error("WRONGPASS invalid username-password pair")) as fake:
        with pytest.raises(Refused, match="password is wrong"):
            await Dialler(Login(password=lambda: "x"), None).open(fake.address)


@pytest.mark.parametrize("endpoint", [Address(host="127.0.0.1", port=1), Socket(path="/nowhere/redis.sock")])
async def test_nobody_there_is_lost(endpoint: Address | Socket) -> None:
    with pytest.raises(Lost, match="cannot be reached"):
        await Dialler(Login(), None).open(endpoint)


async def test_an_error_reply_is_raised_once_all_replies_are_read() -> None:
    replies = {b"A": error("READONLY so"), b"B": bulk("b"), b"C": bulk("c")}
    async with fake_redis(lambda words: replies[words[0]]) as fake:
        connection = await Dialler(Login(), None).open(fake.address)
        with pytest.raises(Elsewhere):
            await exchange(connection, [("A",), ("B",)])
        assert await exchange(connection, [("C",)]) == [b"c"]
        await connection.disconnect()


async def test_an_unknown_script_is_told_apart() -> None:
    async with fake_redis(lambda _: error("NOSCRIPT No matching script.")) as fake:
        connection = await Dialler(Login(), None).open(fake.address)
        with pytest.raises(NoScriptError):
            await exchange(connection, [("EVALSHA", "x", 0)])
        await connection.disconnect()


async def test_a_connection_that_ends_mid_reply_is_lost() -> None:
    async with fake_redis(lambda _: b"$100\r\nhalf") as fake:
        connection = await Dialler(Login(), None).open(fake.address)

        async def cut() -> None:
            await asyncio.sleep(0.02)
            fake.drop_all()

        cutting = asyncio.create_task(cut())
        with pytest.raises(Lost):
            await exchange(connection, [("GET", "a")])
        await cutting
        assert not connection.is_connected


def test_a_file_that_holds_no_authority_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("nothing")
    with pytest.raises(Refused, match=r"ca\.pem"):
        make_context(Tls(ca_file=wrong))
    with pytest.raises(Refused, match=r"ca\.pem and its key"):
        make_context(Tls(cert_file=wrong, key_file=wrong))


def test_tls_checks_chain_and_name() -> None:
    context = make_context(Tls())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_changed_file_makes_a_new_context_and_a_broken_one_keeps_the_old(tmp_path: Path) -> None:
    authority = Authority(tmp_path).ca_file
    pem = authority.read_bytes()
    watched = _WatchedContext(Tls(ca_file=authority))
    first = watched.now()
    assert watched.now() is first
    authority.write_bytes(pem + b"\n")
    os.utime(authority, ns=(1, 1))
    second = watched.now()
    assert second is not first
    authority.write_text("half a file")
    os.utime(authority, ns=(2, 2))
    assert watched.now() is second
