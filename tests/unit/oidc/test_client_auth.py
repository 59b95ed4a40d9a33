import base64
from typing import Any

import pytest

from proxy.identity import IdpId
from proxy.oidc.client_auth import Credentials, credentials
from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.session.model import Misconfigured


def rules(**changed: Any) -> IdpRules:
    settings: dict[str, Any] = {"client_id": "muster", "secret": lambda: "s3cret"}
    return IdpRules(
        id=IdpId("corp"), name="Corp", issuer="https://idp.example.com", **{**settings, **changed}
    )


def unreadable() -> str:
    raise FileNotFoundError("/run/secrets/idp")


def test_basic_is_form_encoded_before_base64() -> None:
    proof = credentials(rules(client_id="a:b c", secret=lambda: "p%w/é+"))
    assert isinstance(proof, Credentials)
    encoded = proof.headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"a%3Ab+c:p%25w%2F%C3%A9%2B"
    assert proof.fields == {}


def test_post_puts_both_into_the_form() -> None:
    proof = credentials(rules(client_auth=ClientAuth.POST))
    assert isinstance(proof, Credentials)
    assert proof.fields == {"client_id": "muster", "client_secret": "s3cret"}
    assert proof.headers == {}


def test_a_public_client_only_names_itself_and_its_secret_is_not_read() -> None:
    proof = credentials(rules(client_auth=ClientAuth.NONE, secret=unreadable))
    assert isinstance(proof, Credentials)
    assert (proof.headers, proof.fields) == ({}, {"client_id": "muster"})


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
    assert credentials(rules(client_auth=method, secret=secret)) == Misconfigured(code=code)


def test_the_secret_is_read_at_every_use() -> None:
    secrets = iter(["old", "new"])
    by = rules(client_auth=ClientAuth.POST, secret=lambda: next(secrets))
    proofs = [credentials(by), credentials(by)]
    assert [p.fields["client_secret"] for p in proofs if isinstance(p, Credentials)] == ["old", "new"]


def test_nothing_of_the_proof_is_shown() -> None:
    for method in (ClientAuth.BASIC, ClientAuth.POST):
        assert repr(credentials(rules(client_auth=method))) == "Credentials()"
