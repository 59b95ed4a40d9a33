"""The assertion as the settings want it."""

from pathlib import Path

import jwt
import pytest

from proxy.app.asserting import assertion_rules, open_assertions
from proxy.app.effective import Effective
from proxy.app.rules import field_rules
from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import Ready
from tests.fakes.configurations import settings_of
from tests.fakes.people import groups, identity, session

RING = KeyRing(keys=(SealingKey(secret=b"k" * 32),))
ON = {"enabled": True}


def test_none_is_made_unless_it_is_enabled(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert open_assertions(settings, RING, Effective(settings)) is None


@pytest.mark.parametrize("public_url", ["https://app.example.com", "https://app.example.com/"])
def test_it_is_from_and_for_the_address_that_people_type(public_url: str, tmp_path: Path) -> None:
    rules = assertion_rules(settings_of(tmp_path, public_url=public_url))
    assert rules.issuer == rules.audience == "https://app.example.com"


def test_the_operator_names_header_audience_and_life(tmp_path: Path) -> None:
    wanted = {"header": "X-Who", "audience": "wiki", "lifetime": "1m"}
    rules = assertion_rules(settings_of(tmp_path, assertion=wanted))
    assert (rules.header, rules.audience, rules.life) == ("X-Who", "wiki", 60.0)
    assert rules.issuer == "https://app.example.com"


def test_it_says_what_the_headers_say(tmp_path: Path) -> None:
    links = [{"app": "Developers", "idp": ["engineers"]}]
    settings = settings_of(tmp_path, assertion=ON, groups={"links": links})
    minted = open_assertions(settings, RING, Effective(settings))
    assert minted is not None
    one = session(identity=identity(groups=groups("engineers", "secret"), is_email_verified=False))
    line = minted.mint(one, Ready(login="alice.archer", account_id="7"), 1000.0).line
    token = line.decode().partition(": ")[2].strip()
    said = jwt.decode(token, options={"verify_signature": False})
    assert (said["app_user"], said["groups"]) == ("alice.archer", ["engineers"])
    assert "email" not in said, "nobody verified it"


@pytest.mark.parametrize("enabled", [True, False])
def test_no_client_may_send_the_header_whether_it_is_enabled_or_not(enabled: bool, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, assertion={"enabled": enabled, "header": "X-Who"})
    assert "X-Who" in field_rules(settings).identity
