"""From the settings to the rules by which people come to their IdP, and the addresses to register there."""

from proxy.identity import IdpId
from proxy.settings.idp import Idp
from proxy.settings.model import Settings
from proxy.web.choosing import ChoosingRules
from proxy.web.parts import callback_of


def choosing_rules(settings: Settings) -> ChoosingRules:
    enforced = settings.sign_in.enforce
    return ChoosingRules(
        enforced=None if enforced is None else IdpId(enforced),
        goes_to_last=settings.sign_in.last_used == "go",
        domains={domain: IdpId(idp.id) for idp in settings.idps for domain in idp.domains},
        own_callbacks=frozenset(IdpId(idp.id) for idp in settings.idps if has_own_callback(settings, idp)),
    )


def has_own_callback(settings: Settings, idp: Idp) -> bool:
    """As said; unsaid, where several IdPs could be taken for each other."""
    return idp.callback == "own" if idp.callback is not None else len(settings.idps) > 1


def callback_path(settings: Settings, idp: Idp) -> str:
    """Where this IdP's answers come to."""
    return callback_of(IdpId(idp.id), is_own=has_own_callback(settings, idp))
