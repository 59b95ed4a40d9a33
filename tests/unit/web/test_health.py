import json

from aiohttp.test_utils import TestClient, TestServer

from proxy.web.health import make_ops_application
from tests.fakes.web import Control, FakeReadiness


async def test_alive_whatever_the_store_does() -> None:
    async with Control() as control:
        control.sessions.down = True
        control.readiness.is_ready = False
        assert (await control.ask("/_muster/livez")).status == 200


async def test_ready_or_not_and_no_word_more_to_the_public() -> None:
    async with Control() as control:
        told = await control.ask("/_muster/readyz")
        assert (told.status, json.loads(told.text)) == (200, {"ready": True})
        control.readiness.is_ready = False
        told = await control.ask("/_muster/readyz")
        assert (told.status, json.loads(told.text)) == (503, {"ready": False})


async def test_metrics_are_not_for_the_public() -> None:
    async with Control() as control:
        assert (await control.ask("/_muster/metrics")).status == 404
        assert (await control.ask("/metrics")).status == 404


async def test_operators_see_the_parts_and_the_metrics() -> None:
    readiness = FakeReadiness()
    application = make_ops_application(readiness, lambda: b"muster_up 1\n")
    async with TestClient(TestServer(application)) as client:
        async with client.get("/metrics") as answer:
            assert await answer.text() == "muster_up 1\n"
            assert answer.content_type == "text/plain"
        async with client.get("/livez") as answer:
            assert answer.status == 200
        readiness.is_ready = False
        async with client.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["parts"] == {"store": "down"}
