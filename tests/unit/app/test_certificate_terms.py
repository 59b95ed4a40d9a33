"""What a certificate promises, and what browsers would not accept of it."""

from pathlib import Path

import pytest

from proxy.app.certificate_terms import Terms, doubts_about, terms_of
from tests.fakes.certificates import Authority

DAY = 86_400.0
NAMES = frozenset({"app.example.com", "*.apps.example.com", "192.0.2.7", "2001:db8::7"})
TERMS = Terms(begins=100 * DAY, ends=190 * DAY, names=NAMES)


def test_the_terms_are_read_from_the_first_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("a", hosts=("App.example.com", "*.b.example.com"), days=30)
    terms = terms_of(pair.cert.read_bytes() + authority.ca_file.read_bytes())
    assert terms is not None
    assert terms.names == {"app.example.com", "*.b.example.com"}
    assert terms.ends - terms.begins == 39 * DAY


@pytest.mark.parametrize(
    "pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_has_none(pem: bytes) -> None:
    assert terms_of(pem) is None


def test_one_that_names_nobody_is_read_all_the_same(tmp_path: Path) -> None:
    terms = terms_of(Authority(tmp_path).ca_file.read_bytes())
    assert terms is not None
    assert terms.names == frozenset()
    assert "no host" in "".join(doubts_about(terms, "app.example.com", terms.begins))


@pytest.mark.parametrize(
    "host", ["app.example.com", "APP.example.com.", "x.apps.example.com", "192.0.2.7", "2001:DB8::7"]
)
def test_who_is_named_is_in_no_doubt(host: str) -> None:
    assert list(doubts_about(TERMS, host, 120 * DAY)) == []


@pytest.mark.parametrize(
    "host",
    ["example.com", "apps.example.com", "y.x.apps.example.com", "192.0.2.8", "app.example.com.evil.example"],
)
def test_anybody_else_is(host: str) -> None:
    (doubt,) = doubts_about(TERMS, host, 120 * DAY)
    assert doubt.startswith(f"it is not for {host}")


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (99.9, "only from 1970-04-11"),
        (100, ""),
        (175.9, ""),
        (176.1, "until 1970-07-10 only"),
        (190, "expired on 1970-07-10"),
    ],
)
def test_its_time_is_told_two_weeks_before_the_end(days: float, said: str) -> None:
    found = "".join(doubts_about(TERMS, "app.example.com", days * DAY))
    assert said in found
    assert bool(found) is bool(said)
