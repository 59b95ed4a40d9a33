"""Asks one app what a preset describes: rendered, proved, sent, judged. A list comes whole or as a fault."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import assert_never

from proxy.apps.expression import Unread
from proxy.apps.paging import MAX_PAGES, Next, Page, Paging, first_page, next_page
from proxy.apps.preset import Preset
from proxy.apps.proof import Proof
from proxy.apps.reading import read_items
from proxy.apps.render import Call, at_page, render, render_header
from proxy.apps.requests import Listing, Request
from proxy.apps.template import Json, Unrendered, Values
from proxy.apps.verdict import Answer, Done, about_nobody, judge
from proxy.apps.wire import Wire, name_of
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.errand import Errand
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an answer means, and its status (None when nothing came)."""

    verdict: Done | AppFault
    status: int | None


class AdminApi:
    """The admin API of one app, as its preset describes it."""

    def __init__(self, preset: Preset, wire: Wire, proof: Proof, variables: Mapping[str, Json]) -> None:
        self.preset = preset
        self.variables: dict[str, Json] = {f"variables.{name}": value for name, value in variables.items()}
        self._wire = wire
        self._proof = proof

    def on_errand(self, errand: Errand) -> "AdminApi":
        """This API; what is asked of it is reported with the errand."""
        other = copy(self)
        other._wire = self._wire.on_errand(errand)
        return other

    async def ask(self, request: Request, values: Values, *, operation: str | None = None) -> Asked:
        """What the app says to the request, by the preset's error table, and the status it said it with."""
        call = self._rendered(request, values)
        if isinstance(call, AppRefusal):
            return Asked(verdict=call, status=None)
        answer = await self._sent(call)
        status = answer.status if isinstance(answer, Answer) else None
        return Asked(verdict=self._judged(operation, call, answer), status=status)

    async def whole_list(
        self, listing: Listing, values: Values, *, none: tuple[int, ...] = ()
    ) -> list[Json] | AppFault:
        """Every item of every page; a status of `none` to the first page means that there are none."""
        call = self._rendered(listing, values)
        if isinstance(call, AppRefusal):
            return call
        try:
            return await self._pages(listing, call, none)
        except Unread as error:
            return AppTrouble(detail=f"{name_of(call)}: {error}")

    async def _pages(self, listing: Listing, call: Call, none: tuple[int, ...]) -> list[Json] | AppFault:
        paging = listing.paging or self.preset.paging
        items: list[Json] = []
        asked: set[str] = set()
        following: Next | None = first_page(paging)
        while following is not None:
            _refuse_circle(asked, following)
            answer = await self._sent(_at(call, following))
            if isinstance(answer, Answer) and answer.status in none and len(asked) == 1:
                return []
            verdict = self._judged(None, call, answer)
            verdict = about_nobody(verdict, answer.status if isinstance(answer, Answer) else None)
            if not isinstance(answer, Answer) or not isinstance(verdict, Done):
                return verdict if not isinstance(verdict, Done) else AppTrouble(detail=name_of(call))
            found = read_items(listing.items, answer.document)
            following = self._following(paging, following, answer, before=len(items), here=len(found))
            items += found
        return items

    def _following(self, paging: Paging, now: Next, answer: Answer, *, before: int, here: int) -> Next | None:
        link = self._wire.below(answer.link) if answer.link else None
        if answer.link and link is None:
            raise Unread("the next page is not below the app's address")
        page = Page(document=answer.document, items=here, before=before, query=now.query, link=link)
        return next_page(paging, page)

    def _rendered(self, request: Request, values: Values) -> Call | AppRefusal:
        known = {**self.variables, **values}
        try:
            call = render(request, known)
            shared = {name: render_header(name, value, known) for name, value in self.preset.headers.items()}
        except Unrendered as error:
            return AppRefusal(
                reason=Reason.APP_REFUSED, detail=f"{request.request.path.source} was not sent: {error}"
            )
        return replace(call, headers={**shared, **call.headers})

    async def _sent(self, call: Call) -> Answer | AppFault:
        """With a token that the app no longer takes, one new login and one more try."""
        answer, proved = await self._proved(call)
        if isinstance(answer, Answer) and answer.status == 401 and self._proof.give_up(proved):
            answer, _ = await self._proved(call)
        return answer

    async def _proved(self, call: Call) -> tuple[Answer | AppFault, dict[str, str]]:
        proved = await self._proof.headers()
        if not isinstance(proved, dict):
            return proved, {}
        return await self._wire.send(call, {**call.headers, **proved}), proved

    def _judged(self, operation: str | None, call: Call, answer: Answer | AppFault) -> Done | AppFault:
        found = (
            judge(self.preset, operation, answer, what=name_of(call))
            if isinstance(answer, Answer)
            else answer
        )
        match found:
            case Done():
                return found
            case AppTrouble() | AppRefusal():
                return replace(found, detail=self._proof.hide(found.detail))
            case _:
                assert_never(found)


def _refuse_circle(asked: set[str], following: Next) -> None:
    """An app that sends us round in circles, or without end, is in trouble."""
    key = f"{sorted(following.query.items())} {following.link}"
    if key in asked:
        raise Unread("the pages go round in a circle")
    if len(asked) >= MAX_PAGES:
        raise Unread(f"there are more than {MAX_PAGES} pages")
    asked.add(key)


def _at(call: Call, page: Next) -> Call:
    if page.link is not None:
        return replace(call, link=page.link, query={})
    return at_page(call, page.query)
