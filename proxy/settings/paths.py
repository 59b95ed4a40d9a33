"""The section about single paths: who may go where, and what a request without a session hears there."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from proxy.settings.durations import PositiveDuration
from proxy.settings.people import Names
from proxy.settings.section import Section, setting
from proxy.settings.text import IdpName
from proxy.settings.traffic import OpenPath

_ACR: Final = re.compile(r"[!#-\[\]-~]{1,255}")
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{1,19}")


def check_method(method: str) -> str:
    """A method as it stands in a request (RFC 9110 §9.1: case counts)."""
    if not _METHOD.fullmatch(method):
        raise ValueError("write a method in capitals, such as GET or POST")
    return method


def check_acr(value: str) -> str:
    """A value of `acr_values`: it stands in a list separated by spaces and in a quoted string."""
    if not _ACR.fullmatch(value):
        raise ValueError("an acr value is printable ASCII without spaces, quotes and backslashes")
    return value


def check_max_age(seconds: float) -> float:
    """Whole seconds, and more than clocks may differ by."""
    if seconds < 60 or seconds != int(seconds):
        raise ValueError("must be at least 1m, in whole seconds: clocks may differ by as much")
    return seconds


Acr = Annotated[str, AfterValidator(check_acr)]
MaxAge = Annotated[PositiveDuration, AfterValidator(check_max_age)]
Method = Annotated[str, AfterValidator(check_method)]


class PathRule(Section):
    """What holds for some paths. Of several rules the first that covers path and method holds."""

    path: Annotated[
        OpenPath,
        Field(
            description="An exact path, or one that ends in `/*`: everything below it, and itself.",
            examples=["/admin/*"],
        ),
    ]
    methods: tuple[Method, ...] = setting((), "For these methods only (GET covers HEAD); empty = any.")
    identity: Literal["required", "optional"] = setting(
        "required",
        "`optional` forwards without a sign-in too: with identity headers for people who are signed in, else without.",
    )
    answer: Literal["auto", "redirect", "unauthorized"] = setting(
        "auto",
        "Without a session: `redirect` to the sign-in, 401 (`unauthorized`), or by what the request says of itself.",
    )
    groups: Names = setting(
        (),
        "IdP groups, as the IdP writes them, of which a person must be in one; empty = no group is needed.",
    )
    idps: tuple[IdpName, ...] = setting((), "People of these IdPs only; empty = of any.")
    acr_values: tuple[Acr, ...] = setting(
        (),
        "How well people must have signed in: one of these values in the ID token's `acr`; the IdP is asked for them. "
        "Empty = however.",
    )
    max_age: MaxAge | None = setting(
        None,
        "How lately people must have signed in at the IdP (`auth_time`), at least 1m; older = they are sent there again. "
        "null = whenever.",
    )
