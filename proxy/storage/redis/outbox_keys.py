"""The names of the outbox's half of the keys, and how their members are written; the sessions' half is in `keys.py`.

| key | type | holds |
|---|---|---|
| entry:ID | string | an entry as JSON |
| claim:ID | hash | holder, until, token; the token outlives the claim |
| asking:SUBJECT · owned:ACCOUNT | string | the id of the entry of a subject that asks for an account, of an account |
| entry-id:OF | string | the id that whoever asks first was given, for a minute: all who race are given the same |
| ids · sequence | string | the last id, the last statement's number |
| entries | sorted set | ids, by themselves |
| state:STATE | sorted set | ids by since when they are in this state |
| later:0 · later:1 | sorted sets | ids of open entries by when they may be tried; 1: bulk work |
| waiting:0 · waiting:1 | sorted sets | ids of open entries that may be tried, by since when they are open |
| silent:IDP · silent | sorted set, set | who is vouched for without groups, since when; such IdPs |
| binding:SUBJECT · bindings | string, sorted set | a binding as JSON; all subjects in the order of issuer and subject |
| bound:ACCOUNT · unblocked | set, hash | an account's subjects; subjects that are not blocked and their accounts |
| member:ACCOUNT · group:GROUP | sets | an account's linked groups; a linked group's accounts |
| counted:SCOPE · latches | sorted set, hash | people by when they were counted; latches by when they fell |
| seats · reserved · seats:counted | sorted sets, string | accounts by when they took a seat; people by until when one is kept |
| lease:NAME | hash | holder, until, fence; the fence outlives the lease |
| rulings · links · denials · switch · kept | hashes, string | what operators ruled; `rulings` holds version and carried |
| audit | stream | the audit trail |

Ids are written with sixteen digits, so that members of one score stand in the order of their numbers. Whatever stands in an index
was written together with its record; only `later` and `waiting` may be behind a claim, and are corrected by whoever claims.
"""

from dataclasses import dataclass

from proxy.groups.rules import AppGroupName
from proxy.identity import IdpId, Subject
from proxy.provisioning.model import AccountId, EntryState
from proxy.storage.redis.keys import Keys, subject_text

PLAIN, BULK = 0, 1


def member(entry_id: int) -> str:
    """An entry's id as the member of a sorted set."""
    return f"{entry_id:016d}"


def ordered(subject: Subject) -> bytes:
    """A subject as a member that sorts by issuer and subject. An issuer is an address and holds no NUL."""
    return f"{subject.issuer}\0{subject.subject}".encode()


def subject_in_order(text: bytes) -> Subject:
    """The subject that `ordered` wrote."""
    issuer, _, subject = text.decode().partition("\0")
    return Subject(issuer=issuer, subject=subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxKeys(Keys):
    """Makes the names of one installation, of both halves."""

    def entry(self, entry_id: int) -> str:
        return self.name("entry", member(entry_id))

    def claim(self, entry_id: int) -> str:
        return self.name("claim", member(entry_id))

    def entry_index(self, subject: Subject, account: AccountId | None) -> str:
        """Where the id of the person's entry stands: with the account once they are bound, else with the subject."""
        return self.asking(subject) if account is None else self.owned(account)

    def asking(self, subject: Subject) -> str:
        return self.name("asking", subject_text(subject))

    def owned(self, account: AccountId) -> str:
        return self.name("owned", account)

    def coming(self, index: str) -> str:
        """The id that was given out for an entry that is not written yet."""
        return self.name("entry-id", index)

    @property
    def ids(self) -> str:
        return self.name("ids")

    @property
    def sequence(self) -> str:
        return self.name("sequence")

    @property
    def entries(self) -> str:
        return self.name("entries")

    def state(self, state: EntryState) -> str:
        return self.name("state", state.value)

    def later(self, bulk: int) -> str:
        return self.name("later", str(bulk))

    def waiting(self, bulk: int) -> str:
        return self.name("waiting", str(bulk))

    def silent(self, idp: IdpId) -> str:
        return self.name("silent", idp)

    @property
    def silent_idps(self) -> str:
        return self.name("silent")

    def binding(self, subject: Subject) -> str:
        return self.name("binding", subject_text(subject))

    @property
    def bindings(self) -> str:
        return self.name("bindings")

    def bound(self, account: AccountId) -> str:
        return self.name("bound", account)

    @property
    def unblocked(self) -> str:
        return self.name("unblocked")

    def member_of(self, account: AccountId) -> str:
        return self.name("member", account)

    def group(self, group: AppGroupName) -> str:
        return self.name("group", group)

    def counted(self, scope: str) -> str:
        return self.name("counted", scope)

    @property
    def latches(self) -> str:
        return self.name("latches")

    @property
    def seats(self) -> str:
        return self.name("seats")

    @property
    def reserved(self) -> str:
        return self.name("reserved")

    @property
    def seats_counted(self) -> str:
        return self.name("seats", "counted")

    def lease(self, name: str) -> str:
        return self.name("lease", name)

    @property
    def rulings(self) -> str:
        return self.name("rulings")

    @property
    def links(self) -> str:
        return self.name("links")

    @property
    def denials(self) -> str:
        return self.name("denials")

    @property
    def switch(self) -> str:
        return self.name("switch")

    @property
    def kept(self) -> str:
        return self.name("kept")

    @property
    def audit(self) -> str:
        return self.name("audit")
