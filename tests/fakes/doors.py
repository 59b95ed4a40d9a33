"""A web server whose pages a test says: an app's front door without Muster, or somebody else at the public address."""

from collections.abc import Callable

from aiohttp import web

from tests.fakes.rest_app import Served

Page = Callable[[web.Request], web.Response]


def text(body: str, status: int = 200) -> Page:
    return lambda request: web.Response(text=body, status=status)


class Doors(Served):
    """`pages` by path; every other path is 404. `asked` keeps every request."""

    def __init__(self, **pages: Page) -> None:
        self.pages = {f"/{name}": page for name, page in pages.items()}
        self.asked: list[web.Request] = []

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        page = self.pages.get(request.path, text("nothing here", 404))
        return page(request)
