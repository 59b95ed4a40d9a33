"""Finding the server that takes writes: by Sentinels, by the Cluster's nodes, whoever of them is silent or behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from proxy.storage.redis.faults import Elsewhere, Fault, Lost, Refused
from proxy.storage.redis.locating import Locator
from proxy.storage.redis.place import Address, Cluster, Place, Watched
from tests.fakes.redis_server import (
    NIL,
    NOWHERE,
    OK,
    SILENCE,
    Answer,
    FakeRedis,
    array,
    bulk,
    error,
    fake_redis,
    number,
)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


def says_role(role: str) -> Answer:
    return lambda _: array(bulk(role), number(0), array())


def points_to(address: Address) -> Answer:
    return lambda _: array(bulk(address.host), bulk(str(address.port)))


def silent(_: list[bytes]) -> bytes:
    return SILENCE


async def connected(locator: Locator) -> str:
    """Where it leads, as host:port."""
    connection = await locator.connect()
    await connection.disconnect()
    return f"{getattr(connection, 'host', '')}:{getattr(connection, 'port', '')}"


async def watched(stack: AsyncExitStack, *sentinels: Answer, timeout: float = 2.0) -> Place:
    fakes = [await stack.enter_async_context(fake_redis(one)) for one in sentinels]
    at = Watched(sentinels=tuple(fake.address for fake in fakes), master="main")
    return Place(at=at, timeout=timeout)


async def server(stack: AsyncExitStack, answer: Answer) -> FakeRedis:
    """`answer` says its role, too."""
    fake = await stack.enter_async_context(fake_redis(answer))
    fake.role = None
    return fake


async def test_sentinels_name_the_master(stack: AsyncExitStack) -> None:
    master = await server(stack, says_role("master"))
    place = await watched(stack, *[points_to(master.address)] * 3)
    assert await connected(Locator(place, 0)) == str(master.address)


async def test_a_silent_sentinel_costs_no_time(stack: AsyncExitStack) -> None:
    master = await server(stack, says_role("master"))
    place = await watched(stack, silent, *[points_to(master.address)] * 2, timeout=60)
    async with asyncio.timeout(5):
        assert await connected(Locator(place, 0)) == str(master.address)


async def test_the_most_sentinels_are_believed_when_the_time_is_up(stack: AsyncExitStack) -> None:
    master, other = await server(stack, says_role("master")), NOWHERE
    place = await watched(
        stack, points_to(other), points_to(master.address), points_to(master.address), silent, timeout=0.5
    )
    assert await connected(Locator(place, 0)) == str(master.address)


async def test_a_master_that_was_demoted_is_not_taken_and_is_asked_about_again(stack: AsyncExitStack) -> None:
    old, new = await server(stack, says_role("slave")), await server(stack, says_role("master"))
    named = [old.address]
    place = await watched(stack, lambda _: points_to(named[0])(_))
    locator = Locator(place, 0)
    with pytest.raises(Elsewhere):
        await locator.connect()
    named[0] = new.address
    assert await connected(locator) == str(new.address)


async def test_a_master_nobody_knows_is_the_operators_to_correct(stack: AsyncExitStack) -> None:
    with pytest.raises(Refused, match="called main"):
        await Locator(await watched(stack, lambda _: NIL), 0).connect()


async def test_sentinels_that_all_fail_are_an_outage(stack: AsyncExitStack) -> None:
    with pytest.raises(Lost):
        await Locator(Place(at=Watched(sentinels=(NOWHERE,), master="main")), 0).connect()
    with pytest.raises(Lost, match="in time"):
        await Locator(await watched(stack, silent, timeout=0.2), 0).connect()


async def test_a_password_that_sentinels_refuse_is_said(stack: AsyncExitStack) -> None:
    place = await watched(stack, lambda _: error("NOAUTH Authentication required."))
    with pytest.raises(Refused, match="password"):
        await Locator(place, 0).connect()


def slots(*ranges: tuple[int, int, str, int]) -> bytes:
    return array(
        *(
            array(number(low), number(high), array(bulk(host), number(port), bulk("id")))
            for low, high, host, port in ranges
        )
    )


async def test_the_node_that_serves_our_slot_is_found_through_any_node(stack: AsyncExitStack) -> None:
    owner = await server(stack, lambda _: OK)
    host, port = owner.address.host, owner.address.port
    node = await server(stack, lambda _: slots((0, 99, "127.0.0.1", 1), (100, 16383, host, port)))
    place = Place(at=Cluster(nodes=(NOWHERE, node.address)))
    assert await connected(Locator(place, 100)) == str(owner.address)


async def test_a_node_without_a_name_for_itself_is_where_it_was_asked(stack: AsyncExitStack) -> None:
    node = await server(stack, lambda _: slots((0, 16383, "", node_port[0])))
    node_port = [node.address.port]
    assert await connected(Locator(Place(at=Cluster(nodes=(node.address,))), 7)) == str(node.address)


async def test_nodes_heard_of_are_asked_when_the_configured_ones_are_gone(stack: AsyncExitStack) -> None:
    late = await server(stack, lambda _: slots((0, 16383, late_at[0].host, late_at[0].port)))
    late_at = [late.address]
    async with fake_redis(lambda _: slots((0, 16383, late_at[0].host, late_at[0].port))) as early:
        locator = Locator(Place(at=Cluster(nodes=(early.address,))), 7)
        await connected(locator)
    locator.forget()
    assert await connected(locator) == str(late.address)


async def test_a_slot_that_nobody_serves_is_an_outage(stack: AsyncExitStack) -> None:
    node = await server(stack, lambda _: slots((0, 99, "127.0.0.1", 1)))
    with pytest.raises(Elsewhere):
        await Locator(Place(at=Cluster(nodes=(node.address,))), 100).connect()


async def test_a_server_that_is_no_cluster_is_said(stack: AsyncExitStack) -> None:
    node = await server(stack, lambda _: error("ERR This instance has cluster support disabled"))
    with pytest.raises(Fault):
        await Locator(Place(at=Cluster(nodes=(node.address,))), 100).connect()
