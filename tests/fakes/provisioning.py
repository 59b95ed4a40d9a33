"""Statements in few words, and a scene: a courier between an app and a store, with everything it says written down."""

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.groups.rules import JoinRules, RoleName
from proxy.identity import NOT_STATED, GroupName, Groups, Identity, IdpId, Subject
from proxy.provisioning.audit import AuditRecord
from proxy.provisioning.courier import Courier
from proxy.provisioning.linking import LinkRules
from proxy.provisioning.model import AccountId, Binding, Entry, Removed, Statement, Vouched
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from proxy.session.model import AccountState
from tests.fakes.app_admin import FakeApp
from tests.fakes.outbox import MemoryStore

NOW = 1_760_000_000.0
OKTA = IdpId("okta")
GOOGLE = IdpId("google")
JOIN = JoinRules(domains=frozenset({"example.com"}))


def subject(name: str = "ada", idp: IdpId = OKTA) -> Subject:
    return Subject(issuer=f"https://{idp}.example", subject=name)


def known(*groups: str) -> frozenset[GroupName]:
    return frozenset(GroupName(group) for group in groups)


def identity(
    name: str = "ada",
    groups: Groups = NOT_STATED,
    *,
    idp: IdpId = OKTA,
    email: str | None = "",
    is_email_verified: bool = True,
    hosted_domain: str | None = None,
    username: str | None = "",
    at: float = NOW,
) -> Identity:
    """`email` and `username` "" mean the plain ones."""
    return Identity(
        subject=subject(name, idp),
        idp=idp,
        email=f"{name}@example.com" if email == "" else email,
        is_email_verified=is_email_verified,
        name=name.title(),
        username=name if username == "" else username,
        groups=groups,
        stated_at=at,
        hosted_domain=hosted_domain,
    )


def vouched(
    name: str = "ada",
    groups: Groups = NOT_STATED,
    *,
    at: float = NOW,
    seq: int = 0,
    idp: IdpId = OKTA,
    last_known: Groups = NOT_STATED,
    email: str | None = "",
) -> Statement:
    stated = identity(name, groups, idp=idp, at=at, email=email)
    return Statement(
        source=idp,
        subject=subject(name, idp),
        says=Vouched(identity=stated),
        at=at,
        known_groups=last_known if groups is NOT_STATED else groups,
        seq=seq,
    )


def removed(
    name: str = "ada",
    *,
    at: float = NOW,
    seq: int = 0,
    idp: IdpId = OKTA,
    source: IdpId | None = None,
    last_known: Groups = NOT_STATED,
    reason: Reason = Reason.IDP_DENIED,
) -> Statement:
    return Statement(
        source=source or idp,
        subject=subject(name, idp),
        says=Removed(reason=reason),
        at=at,
        known_groups=last_known,
        seq=seq,
    )


def binding(
    name: str = "ada",
    account: str = "1",
    *,
    idp: IdpId = OKTA,
    role: str | None = None,
    is_blocked: bool = False,
) -> Binding:
    return Binding(
        subject=subject(name, idp),
        account_id=AccountId(account),
        login=name,
        granted_role=RoleName(role) if role else None,
        is_blocked=is_blocked,
    )


class Killed(BaseException):
    """What `kill -9` looks like from inside: nothing catches it."""


def link_rules(**changes: object) -> LinkRules:
    return LinkRules(**{"join": JOIN, **changes})  # type: ignore[arg-type]  # the fields' own types are LinkRules' business


@dataclass
class Scene:
    """One app, one store, and as many couriers as the test wants; time stands still unless moved."""

    app: FakeApp = field(default_factory=FakeApp)
    store: MemoryStore = field(default_factory=MemoryStore)
    rules: CourierRules = field(default_factory=lambda: CourierRules(link=link_rules(), poll=0.02))
    now: float = NOW
    told: dict[Subject, AccountState] = field(default_factory=dict)
    audit: list[AuditRecord] = field(default_factory=list)
    couriers: int = 0

    async def tell(self, person: Subject, account: AccountState) -> None:
        self.told[person] = account

    def courier(self, checkpoint: Callable[[str], None] = lambda name: None) -> Courier:
        self.couriers += 1
        return Courier(
            outbox=self.store,
            bindings=self.store,
            ledger=self.store,
            counters=self.store,
            leases=self.store,
            app=self.app,
            rules=self.rules,
            tell=self.tell,
            audit=self.audit.append,
            clock=lambda: self.now,
            entropy=bytes,
            holder=f"courier-{self.couriers}",
            checkpoint=checkpoint,
        )

    async def note(self, statement: Statement) -> Entry:
        return await self.store.note(statement, self.now)

    async def bind(self, name: str = "ada", *, role: str | None = None, idp: IdpId = OKTA) -> None:
        """Tie an account that exists to its person, as if long ago."""
        account = self.app.by_login(name)
        self.store.bound[subject(name, idp)] = binding(name, account.id, role=role, idp=idp)

    def operations(self) -> list[str]:
        """What was asked of the app, without the questions."""
        questions = {"account", "list_accounts", "search", "groups", "members", "whoami"}
        return [call for call in self.app.calls if call not in questions]

    def reasons(self, operation: str) -> list[Reason]:
        return [record.reason for record in self.audit if record.operation == operation]

    def entry(self, name: str = "ada", idp: IdpId = OKTA) -> Entry:
        """The person's entry, which must be there."""
        account = self.store.bound.get(subject(name, idp))
        (found,) = [
            one
            for one in self.store.entries_by_id.values()
            if (account is not None and one.account_id == account.account_id)
            or (one.account_id is None and one.statements[0].subject == subject(name, idp))
        ]
        return found
