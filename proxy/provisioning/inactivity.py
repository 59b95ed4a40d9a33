"""People who have not been active for long: their IdP is asked whether it still has them (semantics §6.3).

| asked | answer | then |
|---|---|---|
| the IdP's directory | active | kept |
| the IdP's directory | suspended, gone | removed: sessions end, the courier archives, the guard applies |
| the IdP's directory | no answer | skipped; after three in a row this IdP is not asked again in this look |
| no directory, or it does not cover them: a stored refresh token, by a renewal under its lease | vouched for | kept |
| the same | refused with a known marker | removed, by the keeper |
| the same | merely expired or refused without a reason | kept: that is no proof |
| nobody can be asked | – | kept, and reported |

Without a directory the sweep mostly reports: after thirty days there is seldom a session left to renew.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.errors import Unavailable
from proxy.identity import Identity, IdpId
from proxy.provisioning.directory import (
    Active,
    Cause,
    Directory,
    Gone,
    Standing,
    Suspended,
    Unknown,
    reason_of,
)
from proxy.provisioning.model import Binding, Removed, Statement, Vouched
from proxy.provisioning.outbox import Bindings, Outbox
from proxy.provisioning.report import Kind, Line, Tally
from proxy.reasons import Reason
from proxy.session.keeper import Arrival, Keeper
from proxy.session.model import Session
from proxy.session.store import SessionStore

PAGE: Final = 200
AT_ONCE: Final = 4
SILENT_AFTER: Final = 3
"""Answers missed in a row after which an IdP is left alone until the next look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactivity:
    """`keeper` None: nobody's token is renewed (a command beside the server, which holds the leases)."""

    bindings: Bindings
    outbox: Outbox
    sessions: SessionStore
    arrival: Arrival
    directories: Mapping[IdpId, Directory]
    keeper: Keeper | None
    clock: Callable[[], float]

    async def look(
        self,
        tally: Tally,
        *,
        inactive_after: float,
        is_dry_run: bool,
        progress: Callable[[str, int, int], None],
    ) -> None:
        """Ask about everybody who has not been active for so many seconds; raises Unavailable when the store is away."""
        asking = _Asking(here=self, tally=tally, is_dry_run=is_dry_run)
        before, last, done = self.clock() - inactive_after, None, 0
        while page := await self.bindings.idle(before=before, after=last, limit=PAGE):
            for first in range(0, len(page), AT_ONCE):
                some = page[first : first + AT_ONCE]
                await asyncio.gather(*(asking.about(one.binding) for one in some))
                done += len(some)
                progress("inactive", done, done)
            last = page[-1].binding.subject


@dataclass(slots=True, kw_only=True)
class _Asking:
    """One look: the IdPs that gave no answer are remembered."""

    here: Inactivity
    tally: Tally
    is_dry_run: bool
    _missed: Counter[IdpId] = field(default_factory=Counter)

    async def about(self, binding: Binding) -> None:
        statement = await self._last_word(binding)
        if statement is None or not isinstance(statement.says, Vouched):
            return
        identity, directory = statement.says.identity, self.here.directories.get(statement.source)
        if directory is None:
            await self._by_token(binding, statement.source)
            return
        if self._missed[statement.source] >= SILENT_AFTER:
            self._tell(Kind.SKIPPED, binding, Reason.DIRECTORY_TROUBLE, "the directory gives no answers")
            return
        asked_at = self.here.clock()
        standing = await directory.ask(binding.subject, identity.email, directory_id=identity.directory_id)
        await self._answered(binding, identity, standing, asked_at)

    async def _answered(
        self, binding: Binding, identity: Identity, standing: Standing, asked_at: float
    ) -> None:
        is_silence = isinstance(standing, Unknown) and standing.cause is not Cause.NOT_COVERED
        self._missed[identity.idp] = self._missed[identity.idp] + 1 if is_silence else 0
        match standing:
            case Active():
                self._tell(Kind.KEPT, binding, Reason.INACTIVE, "the directory has them")
            case Suspended(marker=marker) | Gone(marker=marker):
                self._tell(Kind.CHANGE, binding, reason_of(standing), marker)
                if not self.is_dry_run:
                    await self.here.arrival.removed(
                        binding.subject,
                        identity.idp,
                        reason_of(standing),
                        marker=marker,
                        at=max(asked_at, identity.stated_at),
                        now=self.here.clock(),
                    )
            case Unknown(cause=Cause.NOT_COVERED):
                await self._by_token(binding, identity.idp)
            case Unknown(detail=detail):
                self._tell(Kind.SKIPPED, binding, reason_of(standing), detail)

    async def _by_token(self, binding: Binding, idp: IdpId) -> None:
        session = await self._renewable(binding, idp)
        if session is None or self.here.keeper is None:
            self._tell(
                Kind.KEPT, binding, Reason.INACTIVE, "nobody can be asked: no directory, no refresh token"
            )
        elif self.is_dry_run:
            self._tell(Kind.KEPT, binding, Reason.INACTIVE, "a stored refresh token would be tried")
        else:
            await self._renewed(binding, session, self.here.keeper)

    async def _renewable(self, binding: Binding, idp: IdpId) -> Session | None:
        """The person's session that was renewed last, of those whose token may still be good."""
        now = self.here.clock()
        usable = [
            one
            for one in await self.here.sessions.of_subject(binding.subject)
            if one.idp == idp
            and one.tokens.refresh_token is not None
            and (one.tokens.refresh_expires_at is None or one.tokens.refresh_expires_at > now)
        ]
        return max(usable, key=lambda one: one.refreshed_at, default=None)

    async def _renewed(self, binding: Binding, session: Session, keeper: Keeper) -> None:
        try:
            after = await keeper.renew(session.key, is_forced=True)
        except Unavailable as away:
            self._tell(Kind.SKIPPED, binding, Reason.IDP_TROUBLE, away.reason)
            return
        if after is not None and after.refreshed_at > session.refreshed_at:
            self._tell(Kind.KEPT, binding, Reason.REFRESHED, "their refresh token was renewed")
        elif after is not None:
            self._tell(Kind.SKIPPED, binding, after.trouble or Reason.IDP_TROUBLE, "the IdP gave no answer")
        elif (said := await self._last_word(binding)) and isinstance(said.says, Removed):
            self._tell(Kind.CHANGE, binding, said.says.reason, "their refresh token was refused for good")
        else:
            self._tell(
                Kind.KEPT, binding, Reason.ASK_AGAIN, "their refresh token expired: no proof of anything"
            )

    async def _last_word(self, binding: Binding) -> Statement | None:
        """What the person's own IdP said last; SCIM and other subjects of the account speak for themselves."""
        entry = await self.here.outbox.entry_of(binding.subject)
        said = [one for one in (entry.statements if entry else ()) if one.subject == binding.subject]
        return max(said, key=lambda one: (one.at, one.seq), default=None)

    def _tell(self, kind: Kind, binding: Binding, reason: Reason, cause: str) -> None:
        what = "archive" if kind is Kind.CHANGE else "inactive"
        self.tally.add(
            Line(
                kind=kind,
                account=binding.account_id,
                login=binding.login,
                what=what,
                about="",
                reason=reason,
                cause=cause,
            )
        )
