"""Rooms that take more than one line to build: provisioning, and the rendering of identity headers."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import aiohttp

from proxy.app import rules
from proxy.app.effective import Effective
from proxy.app.observers import Observers
from proxy.app.storing import Store
from proxy.apps.rest import RestAppAdmin, open_app
from proxy.edge.ports import Answer
from proxy.gate.decision import Deny, Request, SignIn
from proxy.gate.headers import IdentityHeaders, TooLarge, Unsendable, render_block
from proxy.groups.links import header_groups
from proxy.identity import Subject
from proxy.login import UserEncoding
from proxy.provisioning.courier import Courier
from proxy.provisioning.locks import LeaseLocks, Locks
from proxy.reasons import Reason
from proxy.session.cookie import ENTROPY_BYTES, new_cookie, session_key
from proxy.session.model import AccountState, Ready, Session, SessionKey
from proxy.session.store import SessionStore
from proxy.settings.model import App, Settings
from proxy.web.render import Pages


def open_admin(
    app: App, observers: Observers, http: aiohttp.ClientSession, locks: Locks | None = None
) -> RestAppAdmin:
    """The configured app's admin API. Raises SettingsError for a preset that cannot be used; nothing is called.

    `locks` must hold across processes where something is to be changed.
    """
    return open_app(
        preset=app.preset,
        base_dir=Path.cwd(),
        url=str(app.url),
        credentials={name: secret.reader() for name, secret in app.credentials.items()},
        http=http,
        timeout=app.timeout,
        parallel=app.parallel,
        variables=app.variables,
        observer=observers.called,
        locks=locks,
    )


def make_courier(
    settings: Settings, app: App, store: Store, observers: Observers, http: aiohttp.ClientSession
) -> Courier:
    """The courier to the configured app. Raises SettingsError for a preset that cannot be used."""
    locks = LeaseLocks(store.leases, clock=time.time, holder=secrets.token_hex(8))
    admin = open_admin(app, observers, http, locks)
    return Courier(
        outbox=store.outbox,
        bindings=store.bindings,
        ledger=store.ledger,
        counters=store.ledger,
        leases=store.leases,
        app=admin,
        rules=rules.courier_rules(settings, logins=admin.logins),
        tell=Telling(sessions=store.sessions),
        audit=observers.carried,
        clock=time.time,
        entropy=secrets.token_bytes,
        holder=secrets.token_hex(8),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Writes an account's state into the person's sessions, where it is not so already."""

    sessions: SessionStore

    async def __call__(self, subject: Subject, account: AccountState) -> None:
        if any(session.account != account for session in await self.sessions.of_subject(subject)):
            await self.sessions.set_account(subject, account)


def teller(settings: Settings, effective: Effective) -> Callable[[Session, Ready], IdentityHeaders]:
    """What headers and assertion say of a session: one and the same, by the rules that hold at that moment."""
    allowed, trusted = rules.allowed_groups(settings), rules.join_rules(settings).trusted_idps

    def told(session: Session, account: Ready) -> IdentityHeaders:
        identity = session.identity
        is_verified = identity.is_email_verified or identity.idp in trusted
        return IdentityHeaders(
            user=account.login,
            email=identity.email if is_verified else None,
            username=identity.username,
            groups=header_groups(identity.groups, effective.groups, allowed, idp=identity.idp),
        )

    return told


def renderer(
    settings: Settings, effective: Effective | None = None
) -> Callable[[Session, Ready], bytes | Reason]:
    """What the app is told about a session (semantics §10) by what holds at that moment, or why it cannot be.

    An address that nobody verified is not sent: an app may take it for somebody's name. The login is sent as it is or not at
    all: encoded it could be another person's.
    """
    names, told = rules.header_names(settings), teller(settings, effective or Effective(settings))
    cap, encoding = settings.headers.groups_max_bytes, UserEncoding(settings.headers.user_encoding)

    def render(session: Session, account: Ready) -> bytes | Reason:
        block = render_block(told(session, account), names, groups_max_bytes=cap, user_encoding=encoding)
        match block:
            case TooLarge():
                return Reason.GROUPS_TOO_LARGE
            case Unsendable():
                return Reason.LOGIN_NOT_SENDABLE
            case bytes():
                return block
            case _:
                assert_never(block)

    return render


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The pages of `web`, as the edge writes them out: two equal records of two rooms that do not know each other."""

    pages: Pages

    def answer(self, verdict: SignIn | Deny, request: Request | None, incident: str | None = None) -> Answer:
        page = self.pages.answer(verdict, request, incident)
        return Answer(status=page.status, headers=page.headers, body=page.body)


def fresh_cookie() -> tuple[bytes, SessionKey]:
    """A new session's cookie value, and its key in the store."""
    value = new_cookie(secrets.token_bytes(ENTROPY_BYTES)).encode("ascii")
    key = session_key(value)
    if key is None:
        raise ValueError("a fresh cookie is not one of ours")
    return value, key
