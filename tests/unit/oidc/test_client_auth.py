import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from proxy.identity import IdpId
from proxy.oidc.client_auth import ASSERTION_LIFE, ClientProof, Credentials, certificate_thumbprint
from proxy.oidc.rules import AssertionRules, ClientAuth, IdpRules
from proxy.session.model import Misconfigured
from tests.fakes.client_keys import (
    ASSERTION_TYPE,
    assertion_claims,
    certificate_of,
    key_of,
    pem_of,
    public_jwk_of,
    thumbprint_of,
)
from tests.fakes.idp import NOW

ISSUER = "https://idp.example.com"


def rules(**changed: Any) -> IdpRules:
    settings: dict[str, Any] = {"client_id": "muster", "secret": lambda: "s3cret"}
    return IdpRules(id=IdpId("corp"), name="Corp", issuer=ISSUER, **{**settings, **changed})


def by_key(key: Callable[[], str | None] = lambda: pem_of("one"), **changed: Any) -> ClientProof:
    return ClientProof(rules(client_auth=ClientAuth.PRIVATE_KEY_JWT, key=key, **changed))


def proof(of: ClientProof | IdpRules, now: float = NOW) -> Credentials:
    given = (of if isinstance(of, ClientProof) else ClientProof(of)).credentials(now)
    assert isinstance(given, Credentials), given
    return given


def unreadable() -> str:
    raise FileNotFoundError("/run/secrets/idp")


# --- secrets --------------------------------------------------------------------------------------------------------


def test_basic_is_form_encoded_before_base64() -> None:
    given = proof(rules(client_id="a:b c", secret=lambda: "p%w/é+"))
    encoded = given.headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"a%3Ab+c:p%25w%2F%C3%A9%2B"
    assert given.fields == {}


def test_post_puts_both_into_the_form() -> None:
    given = proof(rules(client_auth=ClientAuth.POST))
    assert given.fields == {"client_id": "muster", "client_secret": "s3cret"}
    assert given.headers == {}


@pytest.mark.parametrize("method", [ClientAuth.NONE, ClientAuth.TLS, ClientAuth.SELF_SIGNED_TLS])
def test_whoever_has_no_secret_only_says_its_name_and_none_is_read(method: ClientAuth) -> None:
    given = proof(rules(client_auth=method, secret=unreadable, key=unreadable))
    assert (given.headers, given.fields) == ({}, {"client_id": "muster"})


@pytest.mark.parametrize("method", [ClientAuth.BASIC, ClientAuth.POST])
@pytest.mark.parametrize(
    ("secret", "code"),
    [
        (unreadable, "client_secret_unreadable"),
        (lambda: None, "client_secret_missing"),
        (lambda: "", "client_secret_missing"),
    ],
)
def test_a_secret_that_cannot_be_had_is_our_fault(method: ClientAuth, secret: Any, code: str) -> None:
    assert ClientProof(rules(client_auth=method, secret=secret)).credentials(NOW) == Misconfigured(code=code)


def test_the_secret_is_read_at_every_use() -> None:
    secrets = iter(["old", "new"])
    by = ClientProof(rules(client_auth=ClientAuth.POST, secret=lambda: next(secrets)))
    first, second = proof(by), proof(by)
    assert [first.fields["client_secret"], second.fields["client_secret"]] == ["old", "new"]
    assert first.made_of != second.made_of


# --- assertions -----------------------------------------------------------------------------------------------------


def test_an_assertion_is_for_the_issuer_alone_and_lives_a_minute() -> None:
    given = proof(by_key())
    assert given.headers == {}
    assert {name: given.fields[name] for name in ("client_id", "client_assertion_type")} == {
        "client_id": "muster",
        "client_assertion_type": ASSERTION_TYPE,
    }
    claims = assertion_claims(given.fields["client_assertion"], key_of("one").public_key(), ISSUER)
    del claims["jti"]
    assert claims == {
        "iss": "muster", "sub": "muster", "aud": ISSUER, "iat": NOW, "exp": NOW + ASSERTION_LIFE,
    }  # fmt: skip
    assert ASSERTION_LIFE <= 60
    assert "client_secret" not in given.fields


def test_each_assertion_has_an_id_of_its_own() -> None:
    by = by_key()
    ids = {
        jwt.decode(proof(by).fields["client_assertion"], options={"verify_signature": False})["jti"]
        for _ in range(20)
    }
    assert len(ids) == 20


def test_an_audience_is_the_operators_or_the_issuer_and_never_what_the_idp_announced() -> None:
    written = "https://idp.example.com/oauth2/token"
    given = proof(by_key(assertion=AssertionRules(audience=written)))
    assert assertion_claims(given.fields["client_assertion"], key_of("one").public_key(), written)


def test_the_header_names_the_key_and_the_certificate(tmp_path: Path) -> None:
    pem = certificate_of("one")
    file = tmp_path / "client.crt"
    file.write_text("some words before\n" + pem + certificate_of("two"))
    stated = AssertionRules(key_id="k1", type="client-authentication+jwt")
    given = proof(by_key(assertion=stated, certificate_file=str(file)))
    assert jwt.get_unverified_header(given.fields["client_assertion"]) == {
        "alg": "ES256",
        "typ": "client-authentication+jwt",
        "kid": "k1",
        "x5t#S256": thumbprint_of(pem),
    }


def test_without_a_name_for_the_key_none_is_sent() -> None:
    header = jwt.get_unverified_header(proof(by_key()).fields["client_assertion"])
    assert header == {"alg": "ES256", "typ": "JWT"}


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (unreadable, "client_key_unreadable"),
        (lambda: None, "client_key_missing"),
        (lambda: "no key", "client_key_malformed"),
        (lambda: certificate_of("one"), "client_key_malformed"),
    ],
)
def test_a_key_that_cannot_be_had_is_our_fault(key: Any, code: str) -> None:
    assert by_key(key).credentials(NOW) == Misconfigured(code=code)


def test_an_algorithm_that_does_not_fit_the_key_is_our_fault() -> None:
    by = by_key(assertion=AssertionRules(algorithm="RS256"))
    assert by.credentials(NOW) == Misconfigured(code="client_key_malformed")


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, "client_certificate_unreadable"), ("", "client_certificate_malformed")]
    + [(text, "client_certificate_malformed") for text in ("-----BEGIN CERTIFICATE-----\nMI", "é")],
)
def test_a_certificate_that_cannot_be_had_is_our_fault(tmp_path: Path, text: str | None, code: str) -> None:
    file = tmp_path / "client.crt"
    if text is not None:
        file.write_text(text)
    given = rules(certificate_file=str(file))
    assert certificate_thumbprint(given) == Misconfigured(code=code)
    assert by_key(certificate_file=str(file)).credentials(NOW) == Misconfigured(code=code)


def test_a_rotated_key_counts_at_once_and_half_a_rotation_stops_nobody() -> None:
    texts: list[Any] = [pem_of("one"), pem_of("one")[:60], None, pem_of("two")]
    by = by_key(lambda: texts[0])
    made = []
    for signer in ("one", "one", "one", "two"):
        given = proof(by)
        assert assertion_claims(given.fields["client_assertion"], key_of(signer).public_key(), ISSUER)
        made.append(given.made_of)
        texts.pop(0)
    assert made[0] != made[3]


def test_what_is_published_is_the_public_half_of_the_key_in_use() -> None:
    texts = ["no key", pem_of("one"), pem_of("two")]
    by = by_key(lambda: texts[0], assertion=AssertionRules(key_id="k1"))
    assert by.published() == ()
    for name in ("one", "two"):
        texts.pop(0)
        (shown,) = by.published() or ()
        assert shown == {**public_jwk_of(name), "kid": "k1", "use": "sig"}


def test_without_a_key_nothing_is_published() -> None:
    assert all(
        ClientProof(rules(client_auth=method)).published() is None
        for method in ClientAuth
        if method is not ClientAuth.PRIVATE_KEY_JWT
    )


def test_nothing_of_the_proof_is_shown() -> None:
    for method in (ClientAuth.BASIC, ClientAuth.POST):
        assert repr(proof(rules(client_auth=method))) == "Credentials()"
    assert repr(proof(by_key())) == "Credentials()"
    assert repr(by_key()) == "<proof of 'muster' by private_key_jwt>"
