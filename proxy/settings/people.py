"""Sections about people: who may join, which groups mean what, roles, and how much may change unattended."""

import unicodedata
from typing import Annotated, Any, Literal

import idna
from pydantic import AfterValidator, BeforeValidator, Field

from proxy.settings.durations import PositiveDuration
from proxy.settings.section import Section, setting
from proxy.settings.text import IdpName, Text, as_tuple


def check_domain(text: str) -> str:
    """A domain as lower-cased A-labels (IDNA 2008), or `*` (semantics §1.5)."""
    if text == "*":
        return text
    try:
        return idna.encode(text, uts46=True).decode().lower()
    except idna.IDNAError:
        raise ValueError(f"{text!r} is not a domain; write example.com, without @ and without *") from None


def check_denied(text: str) -> str:
    """An e-mail address, lower-cased, or `issuer subject`."""
    match text.split(" "):
        case [address] if (
            address.count("@") == 1 and not address.startswith("@") and not address.endswith("@")
        ):
            return address.lower()
        case [issuer, subject] if issuer.startswith(("https://", "http://")) and subject:
            return text
    raise ValueError("write an e-mail address, or an issuer and a subject with one space between them")


def split_names(value: Any) -> Any:
    """Names pasted as one string with commas, as a tuple (semantics §7.1); a list as a tuple; everything else as it is."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return as_tuple(value)


def _normalised(text: str) -> str:
    return unicodedata.normalize("NFC", text)


Name = Annotated[Text, AfterValidator(_normalised)]
"""A group's or role's name in Unicode NFC."""

Names = Annotated[tuple[Name, ...], BeforeValidator(split_names, json_schema_input_type=str | list[str])]


class Joining(Section):
    """Who gets an account."""

    auto_join: bool = setting(
        True, "Make an account for a newcomer; false = only people who have one get in."
    )
    domains: tuple[Annotated[str, AfterValidator(check_domain)], ...] = setting(
        (),
        'E-mail domains whose people may join, matched exactly; "*" = any. An empty list admits no newcomer.',
    )
    deny: tuple[Annotated[str, AfterValidator(check_denied)], ...] = setting(
        (),
        "People who may never join: e-mail addresses, or `issuer subject`. An address shuts out whoever has it; somebody who "
        "gets another one passes, so write `issuer subject` for a person, or use `muster members deny`.",
    )
    creations_per_hour: int | None = setting(
        None, "The most accounts made in an hour; null = the larger of 50 and 20 % of the members.", ge=1
    )
    seats: int | None = setting(
        None,
        "How many accounts may be active in the app; null = as many as the app allows. Nobody is made or restored beyond it.",
        ge=1,
    )
    link_by_email: bool = setting(
        True, "Tie a newcomer to the app's account with the same verified e-mail address."
    )
    link_across: bool = setting(
        False, "Tie an account to a second IdP's person with the same verified address."
    )
    provisioning: bool = setting(
        True, "False = nobody is created or restored; members pass, group changes and archiving go on."
    )


class Link(Section):
    """Ties one app group to IdP groups: its members are the people of any of them."""

    app: Annotated[Name, Field(description="The app's group.", examples=["Developers"])]
    idp: Annotated[
        Names,
        Field(
            min_length=1,
            description="IdP groups, as a list or as one string with commas.",
            examples=[["engineers", "platform"]],
        ),
    ]
    mode: Literal["active", "observe", "off"] = setting(
        "active", "`observe` reports what would change and changes nothing; `off` leaves the group alone."
    )
    idps: tuple[IdpName, ...] = setting((), "Count statements of these IdPs only; empty = of any.")


class Groups(Section):
    """Which IdP groups mean which app groups. A group that nothing links is never touched."""

    enabled: bool = setting(True, "False = no group or role work; sign-in goes on.")
    same_name: bool = setting(
        False, "Link every IdP group to the app group of exactly its name; an explicit link wins."
    )
    case_sensitive: bool = setting(True, "Whether names must match in upper and lower case.")
    missing: Literal["ignore", "create", "error"] = setting(
        "ignore",
        "What happens when a linked app group does not exist: ignore (with a warning), create it, or stop with an error.",
    )
    include: Names = setting(
        (),
        "Patterns (`app-*`) of the IdP groups that count; empty = all. Applied before links, roles and headers.",
    )
    exclude: Names = setting((), "Patterns of IdP groups that never count, whatever else is written.")
    unknown_members: Literal["keep", "remove"] = setting(
        "keep",
        "What a look at a whole linked group does with members whom no IdP has vouched for; `keep` reports them.",
    )
    default_group: Name | None = setting(
        None,
        "The app group of people whose groups are known and match nothing; not together with role groups.",
    )
    links: tuple[Link, ...] = setting(
        (), "The links, each with `app`, `idp`, and if needed `mode` and `idps`."
    )


class Role(Section):
    """One role of the app."""

    name: Annotated[
        Name, Field(description="What the app's admin API calls the role.", examples=["end-user"])
    ]
    group: Name | None = setting(
        None, "Its role group: the app group that everybody with exactly this role is in."
    )
    idp: Names = setting((), "IdP groups that grant the role.")
    app: Names = setting((), "App groups that grant the role.")


class Roles(Section):
    """The app's roles."""

    mode: Literal["floor", "exact"] = setting(
        "floor",
        "`floor` never lowers a role that Muster did not grant; `exact` sets the role that follows from the groups.",
    )
    default: Name | None = setting(
        None, "The role of people to whom nothing grants one; null = the app's own default."
    )
    order: tuple[Role, ...] = setting((), "The roles, lowest first; empty = Muster leaves roles alone.")


class Sweep(Section):
    """A look at everybody: whole linked groups, and people who have not been active for long."""

    enabled: bool = setting(
        True, "False = only what people's sign-ins and renewals show is followed, and `muster sweep`."
    )
    every: PositiveDuration = setting(
        "24h", "The time from the beginning of one sweep to the next, over all replicas."
    )
    inactive_after: PositiveDuration = setting(
        "30d",
        "The IdP is asked about somebody who has not been active for so long: its directory, else by a stored refresh token.",
    )


class Threshold(Section):
    """The larger of a number and a share."""

    at_least: Annotated[int, Field(ge=0, description="So many removals an hour always pass.")]
    percent: Annotated[int, Field(ge=0, le=100, description="And so many per cent of the members.")]


class Guard(Section):
    """How many people may lose something in an hour before everything of that kind waits for an administrator."""

    members: Threshold = setting(
        {"at_least": 5, "percent": 10},
        "People who lose something by what one IdP states (an account archived, a linked group left, a role lowered), each "
        "counted once, of all members.",
    )
    link: Threshold = setting(
        {"at_least": 3, "percent": 30}, "People who leave one linked group, of its members."
    )
