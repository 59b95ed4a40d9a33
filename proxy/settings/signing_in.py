"""The section `sign_in`: which of several IdPs people sign in with, and how they choose."""

from typing import Literal

from proxy.settings.section import Section, setting
from proxy.settings.text import IdpName


class SigningIn(Section):
    """How people come to their IdP where several are listed."""

    enforce: IdpName | None = setting(
        None,
        "The id of the one IdP that people sign in with; the others are refused, and sessions begun there end at their next "
        "renewal. Whether a newcomer gets an account is `joining`'s business all the same. null = any of the list.",
    )
    last_used: Literal["suggest", "go"] = setting(
        "suggest",
        "What the IdP last used in a browser counts for: `suggest` = it stands first on the page where people choose, "
        "`go` = people are sent there without being asked (`/_muster/sign-in?choose=1` asks all the same).",
    )
