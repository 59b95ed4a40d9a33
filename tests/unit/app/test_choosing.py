"""From the settings to the rules of choosing."""

from pathlib import Path

import pytest

from proxy.app.choosing import callback_path, choosing_rules
from tests.fakes.configurations import IDP, settings_of

SECOND = {**IDP, "id": "second", "issuer": "https://second.example.com"}


def test_one_idp_shares_the_callback_and_several_have_their_own(tmp_path: Path) -> None:
    assert choosing_rules(settings_of(tmp_path)).own_callbacks == frozenset()
    both = choosing_rules(settings_of(tmp_path, idps=[dict(IDP), SECOND]))
    assert both.own_callbacks == {"corp", "second"}


@pytest.mark.parametrize(("said", "own"), [("own", {"corp"}), ("shared", set())])
def test_what_is_said_about_the_callback_holds(said: str, own: set[str], tmp_path: Path) -> None:
    idps = [{**IDP, "callback": said}, {**SECOND, "callback": "shared"}]
    assert choosing_rules(settings_of(tmp_path, idps=idps)).own_callbacks == own


def test_domains_name_their_idp(tmp_path: Path) -> None:
    idps = [{**IDP, "domains": ["A.example", "b.example"]}, {**SECOND, "domains": "c.example"}]
    rules = choosing_rules(settings_of(tmp_path, idps=idps, sign_in={"enforce": "second"}))
    assert rules.domains == {"a.example": "corp", "b.example": "corp", "c.example": "second"}
    assert (rules.enforced, rules.goes_to_last) == ("second", False)


def test_the_address_to_register_is_the_one_that_is_sent(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, idps=[{**IDP, "callback": "shared"}, SECOND])
    assert [callback_path(settings, idp) for idp in settings.idps] == [
        "/_muster/callback",
        "/_muster/callback/second",
    ]
