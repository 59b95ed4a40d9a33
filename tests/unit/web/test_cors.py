"""Who may read our answers from another origin: the listed, exactly, and nobody else."""

import pytest

from proxy.gate.decision import Request
from proxy.web.cors import cors_fields

LISTED = frozenset({b"https://spa.example.net", b"http://localhost:3000"})


def asked(*origins: bytes) -> Request:
    return Request(
        method=b"GET",
        target=b"/",
        path=b"/",
        headers=[(b"Origin", origin) for origin in origins],
        names=[b"origin" for _ in origins],
        host=b"app.example.com",
        cookie=None,
        peer="192.0.2.1",
        scheme="https",
    )


@pytest.mark.parametrize("origin", [b"https://spa.example.net", b"http://localhost:3000"])
def test_a_listed_origin_may_read_with_credentials(origin: bytes) -> None:
    fields = dict(cors_fields(asked(origin), LISTED))
    assert fields["Access-Control-Allow-Origin"] == origin.decode()
    assert fields["Access-Control-Allow-Credentials"] == "true"
    assert "WWW-Authenticate" in fields["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    [
        b"",
        b"null",
        b"*",
        b"https://spa.example.net.evil.example",
        b"https://evil-spa.example.net",
        b"https://SPA.example.net",
        b"http://spa.example.net",
        b"https://spa.example.net:8443",
        b"https://spa.example.net/",
        b"https://spa.example.net https://evil.example",
        b"http://localhost:3001",
    ],
)
def test_any_other_origin_is_told_nothing(origin: bytes) -> None:
    assert cors_fields(asked(origin), LISTED) == ()


def test_an_origin_that_stands_there_twice_is_none() -> None:
    assert cors_fields(asked(b"https://spa.example.net", b"https://spa.example.net"), LISTED) == ()


def test_without_an_origin_or_a_list_nothing_is_said() -> None:
    assert cors_fields(asked(), LISTED) == ()
    assert cors_fields(asked(b"https://spa.example.net"), frozenset()) == ()
    assert cors_fields(None, LISTED) == ()
