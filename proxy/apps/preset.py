"""A preset: one app's admin API in YAML, so that no Python is needed for an app we never saw. Guide: `docs/presets.md`.

app, version, status          what it was written for, and whether it was run against the real thing
authentication, headers       how we prove ourselves
paging, error_text, errors    how the app hands out lists and says no
member, account, search       how accounts are read
create … leave                the operations; one that is absent cannot be done
groups, members, accounts     what can be listed
whoami                        the account behind the credential
login_probe                   where the app shows its own password form; `muster doctor` looks there
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from typing import Any, Literal, Self, TypeAlias

from pydantic import Field, StrictBool, StrictInt, StrictStr, field_validator, model_validator

from proxy.apps.authentication import Authentication
from proxy.apps.closest import suggestion
from proxy.apps.expression import parse_expression
from proxy.apps.fields import ExpressionField, HeaderName, Section, Status, TemplateField, compiled
from proxy.apps.paging import NoPaging, Paging
from proxy.apps.requests import (
    EACH_GROUP,
    EACH_MEMBER,
    AccountRequest,
    AccountWrite,
    CreateRequest,
    GroupListing,
    GroupWrite,
    Listing,
    MemberListing,
    MembershipWrite,
    ProfileWrite,
    Request,
    RoleWrite,
    Search,
    SelfRequest,
    refuse_misplaced_pages,
    refuse_unknown,
)
from proxy.apps.template import Template

WHOLE = parse_expression("@")
_UNPROVED = frozenset({401, 403})

OperationName: TypeAlias = Literal[
    "create", "restore", "archive", "set_profile", "set_role", "join", "leave", "create_group"
]


@unique
class Means(StrEnum):
    """What an answer of the app means to us."""

    LOGIN_TAKEN = "login_taken"
    NO_SEAT = "no_seat"
    ALREADY_SO = "already_so"
    ACCOUNT_GONE = "account_gone"
    PROTECTED = "protected"
    REFUSED = "refused"
    TROUBLE = "trouble"


class ErrorRule(Section):
    """One row of the error table; the first that fits counts. `when` is true of the JSON body, `text` is a pattern in it."""

    status: Status = Field(ge=400, le=599)
    operations: tuple[OperationName, ...] = ()
    when: ExpressionField | None = None
    text: StrictStr | None = None
    means: Means

    @model_validator(mode="after")
    def _is_no_proof_of_absence(self) -> Self:
        if self.means is Means.ACCOUNT_GONE and self.status not in {404, 410}:
            raise ValueError("only 404 and 410 can mean that an account is gone")
        if self.means is Means.ALREADY_SO and (self.status in _UNPROVED or self.status >= 500):
            raise ValueError(f"{self.status} cannot count as done")
        return self


class MemberShape(Section):
    """Where a Member's parts stand in one account. `required` keys must be there: half an answer is not believed.

    `groups` is a list, and `group_id` where a group's id stands in each of its items. A projection (`groups[].id`) would drop
    an item without an id in silence.
    """

    id: ExpressionField
    login: ExpressionField
    email: ExpressionField | None = None
    name: ExpressionField | None = None
    active: ExpressionField
    admin: ExpressionField | None = None
    role: ExpressionField | None = None
    groups: ExpressionField | None = None
    group_id: ExpressionField = WHOLE
    required: tuple[StrictStr, ...] = ()


class AccountListing(Listing):
    """Every active account; archived ones may be among them. `member` where the list shows less than the account does."""

    member: MemberShape | None = None


class Limits(Section):
    """How many characters of a name the app keeps."""

    name: StrictInt | None = Field(default=None, ge=1)
    first_name: StrictInt | None = Field(default=None, ge=1)
    last_name: StrictInt | None = Field(default=None, ge=1)


class LoginProbe(Section):
    """Where the app's own password form is shown, what is in that page and in no other answer, and how it is closed.

    `page` is one that only somebody who is signed in is shown. Both are paths as a browser asks for them.
    """

    path: StrictStr = Field(pattern=r"^/[!-~]*$")
    marker: StrictStr = Field(min_length=1)
    page: StrictStr = Field(default="/", pattern=r"^/[!-~]*$")
    close: StrictStr = ""


class Preset(Section):
    """See the module's docstring."""

    app: StrictStr
    version: StrictStr
    status: Literal["verified", "unverified"]
    notes: StrictStr = ""
    authentication: Authentication
    headers: Mapping[HeaderName, TemplateField] = Field(default_factory=dict)
    variables: Mapping[str, Any] = Field(default_factory=dict)
    paging: Paging = NoPaging(kind="none")
    error_text: ExpressionField | None = None
    errors: tuple[ErrorRule, ...] = ()
    member: MemberShape
    account: AccountRequest
    search: Search
    limits: Limits = Limits()
    archive_means: StrictStr = ""
    can_edit_archived: StrictBool = True
    create: CreateRequest | None = None
    restore: AccountWrite | None = None
    archive: AccountWrite | None = None
    set_profile: ProfileWrite | None = None
    set_role: RoleWrite | None = None
    groups: GroupListing | None = None
    create_group: GroupWrite | None = None
    join: MembershipWrite | None = None
    leave: MembershipWrite | None = None
    members: MemberListing | None = None
    accounts: AccountListing | None = None
    whoami: SelfRequest | None = None
    login_probe: LoginProbe | None = None

    @field_validator("errors")
    @classmethod
    def _patterns_compile(cls, rules: tuple[ErrorRule, ...]) -> tuple[ErrorRule, ...]:
        for rule in rules:
            compiled(rule.text or "")
        return rules

    @field_validator("headers")
    @classmethod
    def _headers_are_known(cls, headers: Mapping[str, Template]) -> Mapping[str, Template]:
        refuse_unknown(iter(headers.values()), frozenset())
        return headers

    @model_validator(mode="after")
    def _variables_are_declared(self) -> Self:
        for template in self.templates():
            for name in sorted(template.names):
                self._refuse_undeclared(name)
        return self

    def _refuse_undeclared(self, name: str) -> None:
        head, _, variable = name.partition(".")
        if head == "variables" and variable not in self.variables:
            raise ValueError(
                f"{{{name}}} is not declared in `variables`{suggestion(variable, self.variables)}"
            )

    @model_validator(mode="after")
    def _goes_both_ways(self) -> Self:
        if self.archive and not self.restore:
            raise ValueError("`archive` without `restore`: an archived person must be able to come back")
        if (self.join is None) != (self.leave is None):
            raise ValueError("`join` and `leave` come together")
        if not self.archive and not self.archive_means:
            raise ValueError(
                "without `archive`, `archive_means` must say what happens to somebody who leaves"
            )
        return self

    @model_validator(mode="after")
    def _whole_lists_can_be_read(self) -> Self:
        for request in (self.join, self.leave):
            replaces = request.replaces if request else None
            if replaces == EACH_MEMBER and self.members is None:
                raise ValueError("{each_member} is made from `members`, which is missing")
            if replaces == EACH_GROUP and self.member.groups is None:
                raise ValueError("{each_group} is made from `member.groups`, which is missing")
        return self

    @model_validator(mode="after")
    def _pages_have_their_place(self) -> Self:
        for listing in self.requests():
            if isinstance(listing, Listing):
                refuse_misplaced_pages(listing, listing.paging or self.paging)
        return self

    def requests(self) -> Iterator[Request]:
        """Every request of the preset but the login."""
        named = (
            self.account, self.create, self.restore, self.archive, self.set_profile, self.set_role,
            self.groups, self.create_group, self.join, self.leave, self.members, self.accounts,
            self.whoami,
        )  # fmt: skip
        yield from (request for request in named if request is not None)
        yield from self.search.requests
        yield from self.account.also.values()

    def templates(self) -> Iterator[Template]:
        yield from self.headers.values()
        for request in self.requests():
            yield from request.templates()
