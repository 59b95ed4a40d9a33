"""What an assertion says when nothing is written, and what may not be."""

from pathlib import Path

import pytest

from proxy.settings.client import ClientAssertion
from tests.fakes.client_keys import pem_of, write_private
from tests.fakes.configurations import IDP, mistakes_of, settings_of


def test_left_out_it_follows_from_key_and_issuer(tmp_path: Path) -> None:
    stated = settings_of(tmp_path).idps[0].client_assertion
    assert stated == ClientAssertion()
    assert (stated.key_id, stated.algorithm, stated.audience, stated.type) == (None, None, None, "JWT")


@pytest.mark.parametrize(
    ("name", "value"), [("algorithm", "HS256"), ("algorithm", "none"), ("type", "at+jwt"), ("audience", "")]
)
def test_only_what_an_idp_may_want_can_be_written(name: str, value: str, tmp_path: Path) -> None:
    write_private(tmp_path / "key", pem_of("one"))
    written = {
        **IDP, "client_auth": "private_key_jwt", "client_key": {"file": "key"}, "client_assertion": {name: value},
    }  # fmt: skip
    assert list(mistakes_of(tmp_path, idps=[written])) == [f"idps[0].client_assertion.{name}"]
