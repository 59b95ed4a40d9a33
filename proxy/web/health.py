"""Health for orchestrators: alive (`livez`), able to serve (`readyz`); metrics only apart from users."""

from collections.abc import Callable

from aiohttp import web

from proxy.telemetry.metrics import CONTENT_TYPE
from proxy.web.admin_api import AdminApi
from proxy.web.answers import Answer, json_answer, text_answer
from proxy.web.endpoint import PARTS, to_response
from proxy.web.ports import Readiness


async def livez(_: web.Request) -> Answer:
    """This process answers; says nothing about anybody else, so that an outage elsewhere restarts nobody."""
    return text_answer(200, "ok\n")


async def readyz(request: web.Request) -> Answer:
    """The public sees only yes or no."""
    is_ready, _ = await request.app[PARTS].readiness.ready()
    return json_answer(200 if is_ready else 503, {"ready": is_ready})


def make_ops_application(
    readiness: Readiness, metrics: Callable[[], bytes], admin: AdminApi | None = None
) -> web.Application:
    """Health in full, metrics, and where it is switched on the admin API, for `ops_listen`: no page for people."""

    async def alive(request: web.Request) -> web.Response:
        return to_response(await livez(request))

    async def ready(_: web.Request) -> web.Response:
        is_ready, parts = await readiness.ready()
        return to_response(json_answer(200 if is_ready else 503, {"ready": is_ready, "parts": parts}))

    async def measured(_: web.Request) -> web.Response:
        return web.Response(
            body=metrics(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        )

    application = web.Application()
    application.add_routes(
        [web.get("/livez", alive), web.get("/readyz", ready), web.get("/metrics", measured)]
    )
    if admin is not None:
        application.add_routes(admin.routes())
    return application
