"""Timers, where there are many: a page of frozen ones hides nobody."""

from proxy.identity import IdpId, Subject
from proxy.session.store import Suspicion
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.timers import PAGE, cancel_timer, fired_timers, start_timer
from proxy.storage.redis.work import Work


def suspicion(name: str, idp: str = "corp", *, fires_at: float = 10.0, started_at: float = 0.0) -> Suspicion:
    return Suspicion(
        subject=Subject(issuer=f"https://{idp}", subject=name),
        idp=IdpId(idp),
        started_at=started_at,
        fires_at=fires_at,
    )


async def start(engine: RedisEngine, *timers: Suspicion) -> None:
    async def unit(work: Work) -> None:
        for one in timers:
            await start_timer(work, engine.keys, one)

    await engine.write(unit)


async def freeze(work: Work, name: str) -> None:
    work.do("ZADD", name, 1000.0, "frozen")


async def test_frozen_timers_in_front_hide_nobody(engine: RedisEngine) -> None:
    await start(engine, *(suspicion(f"p{number}", "frozen") for number in range(PAGE)))
    await start(engine, suspicion("ada", fires_at=11.0))
    await engine.write(lambda work: freeze(work, engine.keys.freezes))
    assert await fired_timers(engine, 20.0, 10) == (suspicion("ada", fires_at=11.0),)
    assert await fired_timers(engine, 10.5, 10) == ()


async def test_starts_of_yesterday_are_forgotten_with_the_next(engine: RedisEngine) -> None:
    await start(engine, suspicion("ada"))
    await start(engine, suspicion("bob", started_at=86_401.0))
    (left,) = await engine.ask(("ZCARD", engine.keys.starts(IdpId("corp"))))
    assert left == 1


async def test_a_cancelled_timer_leaves_no_trace_but_its_start(engine: RedisEngine) -> None:
    await start(engine, suspicion("ada"))
    ada = suspicion("ada").subject
    assert await engine.write(lambda work: cancel_timer(work, engine.keys, ada))
    assert await engine.ask(("EXISTS", engine.keys.suspicions), ("EXISTS", engine.keys.fires)) == [0, 0]
