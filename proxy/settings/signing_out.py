"""The section `sign_out`: what the sign-out button does beyond ending the session here."""

from proxy.settings.addresses import Endpoint
from proxy.settings.section import Section, setting


class SigningOut(Section):
    """Signing out at the IdP too, and where people end up."""

    idp: bool = setting(
        True,
        "Go on to the IdP's own sign-out where it has one. false = the session here ends and its tokens are revoked, but the IdP "
        "still knows the browser, and the page says so.",
    )
    return_to: Endpoint | None = setting(
        None,
        "Where people go once they are signed out, such as your intranet's start page; null = a page of Muster's.",
    )
