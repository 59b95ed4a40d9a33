"""The identity header block: what the app is told about a session (semantics §10), rendered once per session."""

from dataclasses import dataclass
from typing import Final

from proxy.login import UserEncoding, sent_as

_DEFAULT_GROUPS_MAX: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderNames:
    """The names an operator gave the identity headers."""

    user: str = "X-Forwarded-User"
    email: str = "X-Forwarded-Email"
    groups: str = "X-Forwarded-Groups"
    username: str = "X-Forwarded-Preferred-Username"

    def all(self) -> tuple[str, ...]:
        """Every name; no client may send one, in any spelling."""
        return (self.user, self.email, self.groups, self.username)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityHeaders:
    """What is said about one person. `user` is the app's own login, sent as it is or not at all; the rest is percent-encoded.

    `groups` is None when the IdP did not state any: the header is then absent, not empty.
    """

    user: str
    email: str | None = None
    username: str | None = None
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLarge:
    """The groups do not fit the cap; they are never cut silently. Both in bytes."""

    size: int
    cap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsendable:
    """No header can carry this login as it is, and another string could be another person's (`login.py`)."""

    login: str


def encoded(text: str, *, also: str = "") -> str:
    """A header value that reads back exactly: `%`, controls, non-ASCII, `also`, and spaces at either end percent-encoded."""
    kept = "".join(
        char if " " <= char <= "~" and char != "%" and char not in also else _percent(char) for char in text
    )
    inner = kept.strip(" ")
    lead = len(kept) - len(kept.lstrip(" "))
    return "%20" * lead + inner + "%20" * (len(kept) - lead - len(inner))


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def render_block(
    identity: IdentityHeaders,
    names: HeaderNames,
    *,
    groups_max_bytes: int = _DEFAULT_GROUPS_MAX,
    user_encoding: UserEncoding = UserEncoding.ASCII,
) -> bytes | TooLarge | Unsendable:
    """`Name: value` and CRLF for each, the user first. `groups_max_bytes` caps the encoded groups value."""
    user = sent_as(identity.user, user_encoding)
    if user is None:
        return Unsendable(login=identity.user)
    values: dict[str, str] = {}
    if identity.email is not None:
        values[names.email] = encoded(identity.email)
    if identity.username is not None:
        values[names.username] = encoded(identity.username)
    if identity.groups is not None:
        joined = ",".join(encoded(group, also=",") for group in identity.groups)
        if len(joined) > groups_max_bytes:
            return TooLarge(size=len(joined), cap=groups_max_bytes)
        values[names.groups] = joined
    rest = "".join(f"{name}: {value}\r\n" for name, value in values.items())
    return b"%b: %b\r\n%b" % (names.user.encode("ascii"), user, rest.encode("ascii"))
