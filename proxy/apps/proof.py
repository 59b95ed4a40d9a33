"""What is put on a call to prove the admin. Credentials are read anew for each call, so that a rotated file is taken up."""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from proxy.apps.authentication import (
    PREFIX,
    Authentication,
    BasicAuthentication,
    HeaderAuthentication,
    LoginAuthentication,
)
from proxy.apps.expression import Unread
from proxy.apps.render import Call, render_body, render_header, render_path
from proxy.apps.template import Json, Unrendered, Values
from proxy.apps.wire import Wire, name_of
from proxy.errors import MusterError
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.reasons import Reason

Credentials: TypeAlias = Mapping[str, Callable[[], str]]
Headers: TypeAlias = dict[str, str]


class Proof:
    """The headers that prove the admin; for a login, the token it gave, fetched once for all who wait."""

    def __init__(self, authentication: Authentication, credentials: Credentials, wire: Wire) -> None:
        self._authentication = authentication
        self._credentials = credentials
        self._wire = wire
        self._token: str | None = None
        self._entered: Headers | None = None
        self._until = 0.0
        self._entering = asyncio.Lock()

    async def headers(self) -> Headers | AppFault:
        try:
            known = self._known()
            match self._authentication:
                case HeaderAuthentication(header=header, value=value):
                    return {header: render_header(header, value, known)}
                case BasicAuthentication() as basic:
                    return {"Authorization": _basic(basic, known)}
                case LoginAuthentication() as login:
                    return await self._logged_in(login, known)
        except (OSError, MusterError, Unrendered) as error:
            return _unproved(f"the app's credential cannot be used: {_told(error)}")

    def give_up(self, used: Headers) -> bool:
        """Forget the token that the app took no longer, unless it was renewed meanwhile; False when asking again is useless."""
        if not isinstance(self._authentication, LoginAuthentication) or not used:
            return False
        if used == self._entered:
            self._entered, self._token = None, None
        return True

    def hide(self, text: str) -> str:
        """The text without any credential that an app may have echoed."""
        try:
            secrets = [str(value) for value in self._known().values()]
        except (OSError, MusterError):
            return "(not shown: the credential cannot be read)"
        for secret in filter(None, [*secrets, self._token]):
            text = text.replace(secret, "•••")
        return text

    def _known(self) -> Values:
        return {PREFIX + name: read() for name, read in self._credentials.items()}

    async def _logged_in(self, login: LoginAuthentication, known: Values) -> Headers | AppFault:
        async with self._entering:
            if self._entered is None or time.monotonic() >= self._until:
                token = await self._enter(login, known)
                if not isinstance(token, str):
                    return token
                header = render_header(login.header, login.value, {**known, "token": token})
                self._token, self._entered = token, {login.header: header}
                self._until = time.monotonic() + login.lifetime
            return dict(self._entered)

    async def _enter(self, login: LoginAuthentication, known: Values) -> str | AppFault:
        call = Call(
            method=login.request.method,
            path=render_path(login.request, known),
            body=render_body(login.body, known),
            has_body=login.body is not None,
        )
        answer = await self._wire.send(call, {})
        if isinstance(answer, AppTrouble):
            return answer
        if answer.status == 429 or answer.status >= 500:
            return AppTrouble(
                detail=f"{name_of(call)} answered {answer.status}", retry_after=answer.retry_after
            )
        if not answer.is_success:
            return _unproved(
                f"{name_of(call)} answered {answer.status}: the app does not take the credential"
            )
        return _token(login, answer.document, name_of(call))


def _token(login: LoginAuthentication, document: Json, what: str) -> str | AppFault:
    try:
        found = login.token.read(document)
    except Unread:
        found = None
    return (
        found if isinstance(found, str) and found else AppTrouble(detail=f"{what} answered without a token")
    )


def _basic(basic: BasicAuthentication, known: Values) -> str:
    pair = f"{basic.username.text(known)}:{basic.password.text(known)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _unproved(detail: str) -> AppRefusal:
    return AppRefusal(reason=Reason.APP_UNPROVED, detail=detail)


def _told(error: Exception) -> str:
    """What may be told of it: an operating system's word or our own sentence, never a value."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
