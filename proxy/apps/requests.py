"""The requests of a preset: what is sent, what may stand in it, and where the answer is.

`look_on` are statuses after which the app is read again: when what was asked for is so, it counts as done. It spares a
preset from recognising an error by its text, which changes with the language of the admin's account.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, field_validator, model_validator

from proxy.apps.closest import suggestion
from proxy.apps.fields import (
    EACH,
    BodyField,
    ExpressionField,
    HeaderName,
    ParameterField,
    Section,
    Status,
    TargetField,
    TemplateField,
    compiled,
    each_name,
    lists_in,
    templates_in,
)
from proxy.apps.paging import Paging, names_of
from proxy.apps.template import Json, Template

PROFILE = frozenset({"login", "email", "name", "first_name", "last_name"})
EACH_MEMBER, EACH_GROUP = "each_member", "each_group"
MEMBERSHIP = frozenset({"account", "login", "group", "group_name", EACH_MEMBER, EACH_GROUP})


class Request(Section):
    """One request. `allowed` are the placeholders that are known when it is sent, besides `variables.…`."""

    allowed: ClassVar[frozenset[str]] = frozenset()

    request: TargetField
    query: Mapping[str, ParameterField] = Field(default_factory=dict)
    headers: Mapping[HeaderName, TemplateField] = Field(default_factory=dict)
    body: BodyField = None

    def templates(self) -> Iterator[Template]:
        yield self.request.path
        for value in self.query.values():
            yield from templates_in(value)
        yield from self.headers.values()
        yield from templates_in(self.body)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        refuse_unknown(self.templates(), self.allowed)
        return self


def refuse_unknown(templates: Iterator[Template], allowed: frozenset[str], *, variables: bool = True) -> None:
    """Raise ValueError for a placeholder that nothing will be known for; `variables.…` is checked with the whole preset."""
    named = sorted({name for template in templates for name in template.names})
    unknown = [
        one for one in named if one not in allowed and not (variables and one.startswith("variables."))
    ]
    if unknown:
        known = ", ".join(f"{{{each}}}" for each in sorted(allowed)) or "none"
        wrong = "; ".join(f"{{{one}}} is not known here{suggestion(one, allowed)}" for one in unknown)
        raise ValueError(f"{wrong}; known are {known}")


class Listing(Request):
    """A request that answers with a list, in pages. `paging` overrides the preset's."""

    items: ExpressionField
    paging: Paging | None = None


def refuse_misplaced_pages(listing: Listing, paging: Paging) -> None:
    """Raise ValueError where `body.offset` meets no body, or `q.page` no parameter that is a mapping."""
    for name in names_of(paging):
        head, dot, _ = name.partition(".")
        whole = listing.body if head == "body" else listing.query.get(head)
        if dot and not isinstance(whole, Mapping):
            raise ValueError(f"{name} of the paging: `{head}` of {listing.request.path.source} is no mapping")


class AlsoListing(Listing):
    """A further list about one account."""

    allowed = frozenset({"account"})


class AccountRequest(Request):
    """Reading one account. `gone` are the statuses that mean: there is no such account; `gone_when` is true of a success that
    means it. Each list of `also` stands beside the account's own keys, under its name.
    """

    allowed = frozenset({"account"})

    item: ExpressionField | None = None
    gone: tuple[Status, ...] = ()
    gone_when: ExpressionField | None = None
    also: Mapping[str, AlsoListing] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _gone_is_plain(self) -> Self:
        refuse_impossible_absence(self.gone)
        return self

    def templates(self) -> Iterator[Template]:
        yield from super().templates()
        for listing in self.also.values():
            yield from listing.templates()


def refuse_impossible_absence(statuses: tuple[int, ...]) -> None:
    if set(statuses) - {404, 410}:
        raise ValueError("only 404 and 410 can mean that an account is gone")


class SearchRequest(Listing):
    """One look for accounts; it is made only when everything that it names is known.

    `gone` are the statuses with which an app that is asked for one account says that there is none.
    """

    allowed = frozenset({"login", "email"})

    gone: tuple[Status, ...] = ()

    @model_validator(mode="after")
    def _gone_is_plain(self) -> Self:
        refuse_impossible_absence(self.gone)
        return self


class Search(Section):
    """Looking for accounts of every status. What comes back is filtered exactly on our side.

    `reread`: the list shows less than the account does, so each match is read again.
    """

    requests: tuple[SearchRequest, ...] = Field(min_length=1)
    login_ignores_case: StrictBool = True
    reread: StrictBool = False


class Write(Request):
    """A request that changes something. `answer` is where the changed thing stands in the answer."""

    look_on: tuple[Status, ...] = ()
    answer: ExpressionField | None = None

    @model_validator(mode="after")
    def _looks_after_a_no(self) -> Self:
        if any(not 400 <= status <= 500 or status in {401, 403, 429} for status in self.look_on):
            raise ValueError("`look_on` holds statuses 400 to 500 other than 401, 403 and 429")
        return self


class LoginRule(Section):
    """Which logins the app takes, so that one it cannot have is not tried."""

    pattern: StrictStr = r"\S+"
    longest: StrictInt = Field(default=255, ge=1)

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str) -> str:
        compiled(pattern)
        return pattern

    def takes(self, login: str) -> bool:
        return len(login) <= self.longest and compiled(self.pattern).fullmatch(login) is not None


class CreateRequest(Write):
    """Making an account. `logins` are patterns in the order in which whoever asks for a new account tries them.

    `login` says which the app can have; one that it cannot gives way to the first pattern's that it can. `taken_when` is true of
    a success that made nobody, because somebody was there.
    """

    allowed = PROFILE | {"random_password"}
    login_names: ClassVar[frozenset[str]] = frozenset({"username", "email", "email_local"})

    logins: tuple[TemplateField, ...] = Field(min_length=1)
    login: LoginRule = LoginRule()
    taken_when: ExpressionField | None = None

    @model_validator(mode="after")
    def _logins_are_known(self) -> Self:
        refuse_unknown(iter(self.logins), self.login_names, variables=False)
        return self


class AccountWrite(Write):
    """Something done to one account; where the request names `{login}`, the account is read first."""

    allowed = frozenset({"account", "login"})


class ProfileWrite(AccountWrite):
    allowed = PROFILE | {"account"}


class RoleWrite(AccountWrite):
    """Giving a role. `values` maps the role's name to what the app's API calls it, as `{role_value}`."""

    allowed = frozenset({"account", "login", "role", "role_value"})

    values: Mapping[str, Any] = Field(default_factory=dict)

    def value_of(self, role: str) -> Json:
        """What the API calls the role; None for one that the preset does not list (the name itself when it lists none)."""
        found: Json = self.values.get(role) if self.values else role
        return found


class GroupWrite(Write):
    allowed = frozenset({"group_name"})


class MembershipWrite(Write):
    """Joining or leaving.

    A body that names `each_member` or `each_group` replaces the whole list of the group's members, or of the account's groups;
    what it should be is made from a fresh reading under a lease (semantics §7.9).
    """

    allowed = MEMBERSHIP

    @property
    def replaces(self) -> Literal["each_member", "each_group"] | None:
        match each_name(self.body):
            case "each_member":
                return "each_member"
            case "each_group":
                return "each_group"
            case _:
                return None

    @model_validator(mode="after")
    def _each_stands_in_lists(self) -> Self:
        inside = {id(one) for items in lists_in(self.body) for item in items for one in templates_in(item)}
        for template in self.templates():
            if id(template) not in inside and any(name.startswith(EACH) for name in template.names):
                raise ValueError(
                    f'{template.source} stands in a list of the body: users: ["{{each_member}}"]'
                )
        return self


class GroupListing(Listing):
    """The app's groups; `id` and `name` are read from each."""

    id: ExpressionField
    name: ExpressionField


class MemberListing(Listing):
    """The accounts of one group; `id` is read from each."""

    allowed = frozenset({"group"})

    id: ExpressionField


class SelfRequest(Request):
    """Reading the account behind the admin credential.

    `nobody` is true of an answer that says that there is none (a service); `reread`: it shows less than the account does.
    """

    item: ExpressionField | None = None
    nobody: ExpressionField | None = None
    reread: StrictBool = False
