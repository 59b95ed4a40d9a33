"""Pages out of templates, and verdicts out of the gate as answers. No request object: the edge uses it too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import jinja2

from proxy.gate.decision import Deny, Kind, Request, SignIn, declared_kind
from proxy.oidc.flow import is_too_long, safe_return_to
from proxy.reasons import Reason
from proxy.session.step_up import Demand
from proxy.web.answers import BEARER_CHALLENGES, CHALLENGE, VARY, Answer, json_answer, page_answer, redirect
from proxy.web.challenge import challenge
from proxy.web.cors import cors_fields
from proxy.web.grpc import grpc_answer
from proxy.web.parts import OWN, Site
from proxy.web.wording import PROVE_AND_SEND_AGAIN, SEND_AGAIN, Wording, wording_of

LONGEST_WAIT: Final = 3
"""Seconds after which a waiting page looks again, at most."""

_RETURNABLE: Final = frozenset({b"GET", b"HEAD"})


class Pages:
    """Renders every page of one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(
        self, name: str, *, status: int = 200, form_targets: tuple[str, ...] = (), **context: Any
    ) -> Answer:
        html = self._templates.get_template(name).render(site=self.site, own=OWN, **context)
        return page_answer(status, html, form_targets=form_targets)

    def notice(
        self,
        wording: Wording,
        *,
        status: int,
        code: str,
        retry_after: int | None = None,
        retry_to: str = "",
        return_to: str = "/",
        incident: str | None = None,
    ) -> Answer:
        """A page that says what, why and what to do. `code` is the reason's word, for whoever asks for help.

        `retry_to` is where "try again" leads; empty: the same address. `return_to` is where another account ends.
        """
        refresh = min(LONGEST_WAIT, retry_after or LONGEST_WAIT) if wording.is_waiting else None
        answer = self.page(
            "notice.html",
            status=status,
            wording=wording,
            code=code,
            refresh=refresh,
            retry_to=retry_to,
            other_account=self.sign_in_address(return_to, {"another": "1"}),
            incident=incident,
        )
        return answer if retry_after is None else answer.with_headers(("Retry-After", str(retry_after)))

    def refusal(self, reason: Reason, *, status: int, retry_after: int | None = None) -> Answer:
        """The page of one reason."""
        return self.notice(
            wording_of(reason, status), status=status, code=reason.value, retry_after=retry_after
        )

    def sign_in_address(
        self, return_to: str, more: Mapping[str, str] | None = None, *, is_silent: bool = False
    ) -> str:
        """Where a browser starts to sign in; it comes back to `return_to`, a path of ours. `more`: see `sign_in.py`."""
        silent = {"silent": "1"} if is_silent else {}
        cut = {"cut": "1"} if is_too_long(return_to) else {}
        parameters = {"return_to": safe_return_to(return_to), **cut, **silent, **(more or {})}
        return self.site.url(f"{OWN}/sign-in?{urlencode(parameters, quote_via=quote, safe='')}")

    def not_signed_in(self) -> Answer:
        """What a script hears instead of a redirect that it could not follow."""
        document = {"error": Reason.NOT_SIGNED_IN.value, "sign_in": self.site.url(f"{OWN}/sign-in")}
        return json_answer(401, document).with_headers(CHALLENGE)

    def _must_prove_more(self, demand: Demand, request: Request | None) -> Answer:
        """The same for a person who is signed in, not well or not lately enough (RFC 9470 §3)."""
        asked = demand.parameters()
        document = {
            "error": Reason.INSUFFICIENT_AUTHENTICATION.value,
            "sign_in": self.site.url(f"{OWN}/sign-in?{urlencode(asked, quote_via=quote)}"),
            **asked,
        }
        return json_answer(401, document).with_headers(challenge(demand, request))

    def answer(self, verdict: SignIn | Deny, request: Request | None, incident: str | None = None) -> Answer:
        """The verdict as an answer (the edge's port `Answers`), with what lets a script of a listed origin read it."""
        answer = self._by_kind(verdict, request, incident).with_headers(VARY)
        return answer.with_headers(*cors_fields(request, self.site.cors_origins))

    def _by_kind(self, verdict: SignIn | Deny, request: Request | None, incident: str | None) -> Answer:
        if verdict.kind is Kind.GRPC and request is not None:
            return grpc_answer(verdict, request)
        if isinstance(verdict, SignIn):
            return self._sign_in(verdict, request)
        if verdict.kind is not Kind.NAVIGATION:
            return _denied_script(verdict, incident)
        wording = wording_of(verdict.reason, verdict.status)
        return self.notice(
            wording,
            status=verdict.status,
            code=verdict.reason.value,
            retry_after=verdict.retry_after,
            return_to=_target(request),
            incident=incident,
        )

    def _sign_in(self, verdict: SignIn, request: Request | None) -> Answer:
        demand = verdict.demand
        if verdict.kind is not Kind.NAVIGATION or request is None:
            return self.not_signed_in() if demand is None else self._must_prove_more(demand, request)
        if request.method not in _RETURNABLE:
            return self._send_again(verdict, request)
        # The operator says that this is a navigation; the request does not, and would be refused there.
        told = {"navigation": "1"} if declared_kind(request) is None else {}
        more = {**told, **(demand.parameters() if demand else {})}
        return redirect(self.sign_in_address(_target(request), more, is_silent=verdict.is_silent))

    def _send_again(self, verdict: SignIn, request: Request) -> Answer:
        """A form was sent. A redirect would lose what is in it without a word: here the browser can send it once more."""
        demand = verdict.demand
        page = self.notice(
            SEND_AGAIN if demand is None else PROVE_AND_SEND_AGAIN,
            status=401,
            code=verdict.reason.value,
            retry_to=self.sign_in_address("/", demand.parameters() if demand else None),
        )
        return page.with_headers(CHALLENGE if demand is None else challenge(demand, request))


def _target(request: Request | None) -> str:
    """The page that the person asked for, where asking again does no harm."""
    if request is None or request.method not in _RETURNABLE:
        return "/"
    return request.target.decode("ascii", "replace")


def _denied_script(verdict: Deny, incident: str | None) -> Answer:
    document: Mapping[str, Any] = {
        "error": verdict.reason.value,
        "message": wording_of(verdict.reason, verdict.status).why,
        **({"retry_after": verdict.retry_after} if verdict.retry_after is not None else {}),
        **({"incident": incident} if incident is not None else {}),
    }
    answer = json_answer(verdict.status, document)
    if verdict.reason in BEARER_CHALLENGES:
        return answer.with_headers(BEARER_CHALLENGES[verdict.reason])
    if verdict.retry_after is None:
        return answer
    return answer.with_headers(("Retry-After", str(verdict.retry_after)))
