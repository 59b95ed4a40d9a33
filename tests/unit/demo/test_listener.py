import asyncio
import json
import os
import signal

import aiohttp
import pytest
from aiohttp import web

from proxy.demo.listener import Listener, serve_until_signal


def _hello() -> web.Application:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    application = web.Application()
    application.router.add_get("/", hello)
    return application


async def _get(url: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.text()


async def test_a_listener_keeps_its_port_over_a_stop() -> None:
    listener = Listener(_hello)
    first = await listener.start()
    await listener.stop()
    assert not listener.is_listening
    with pytest.raises(aiohttp.ClientConnectionError):
        await _get(first)
    assert await listener.start() == first == listener.url
    assert await _get(first) == "hello"
    await listener.stop()


async def test_stopping_twice_is_harmless() -> None:
    listener = Listener(_hello)
    await listener.start()
    await listener.stop()
    await listener.stop()


async def test_a_process_prints_its_address_and_goes_at_sigterm(capsys: pytest.CaptureFixture[str]) -> None:
    listener = Listener(_hello)
    served = asyncio.create_task(serve_until_signal(listener, "127.0.0.1", 0))
    async with asyncio.timeout(5):
        while not (printed := capsys.readouterr().out):
            await asyncio.sleep(0)
        assert await _get(json.loads(printed)["url"]) == "hello"
        os.kill(os.getpid(), signal.SIGTERM)
        await served
    assert not listener.is_listening
