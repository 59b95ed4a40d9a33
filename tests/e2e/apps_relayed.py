"""What the handles of real apps share: such an app shows nobody what it was sent, so it is read off two relays."""

from collections.abc import Mapping
from typing import ClassVar

from tests.e2e.apps import identity_headers
from tests.e2e.relay import Exchange, Relay
from tests.fakes.browser import Answer


class Relayed:
    """An app behind two relays: Muster's calls of the admin API come through `relay`, people's pages through `pages`."""

    page: str
    creation: bytes
    words: ClassVar[Mapping[str, str]]
    """How a call of the admin API begins → its word in `order`."""

    def __init__(self, relay: Relay, pages: Relay) -> None:
        self.relay = relay
        self._pages = pages

    @property
    def url(self) -> str:
        return f"http://{self._pages.address}"

    def identity(self, page: Answer) -> dict[str, list[str]]:
        """Of the newest page request: a test asks for one page at a time."""
        return identity_headers(self._page_requests()[-1].headers())

    async def order(self) -> list[str]:
        agreed = [call for call in self.relay.exchanges if call.status is not None and call.status < 300]
        calls = [(call.answered_at, self._word(call.line)) for call in agreed]
        seen = sorted([*calls, *((request.at, "page") for request in self._page_requests())])
        return list(dict.fromkeys(word for _, word in seen if word))

    def _word(self, line: str) -> str:
        return next((word for start, word in self.words.items() if line.startswith(start)), "")

    async def creations(self) -> int:
        start = self.creation.decode()
        return sum(call.line.startswith(start) and call.status == 201 for call in self.relay.exchanges)

    async def pages(self) -> int:
        return len(self._page_requests())

    async def strangers(self) -> int:
        """Such an app sends whom it does not know to its own sign-in."""
        return sum(request.status == 302 for request in self._page_requests())

    def _page_requests(self) -> list[Exchange]:
        return [request for request in self._pages.exchanges if request.line == f"GET {self.page}"]
