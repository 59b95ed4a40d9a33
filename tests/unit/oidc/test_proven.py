"""Requests with a proof in them, against a real socket, through a rotation, and over mutual TLS."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.oidc.client import OidcClient, SignedIn
from proxy.oidc.proven import ProvenRequests
from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.oidc.transport import Answer, open_session
from proxy.session.model import Misconfigured, Trouble
from tests.fakes.client_keys import certificate_of, key_of, pem_of, write_pair
from tests.fakes.idp import (
    CLIENT_SECRET,
    NOW,
    FakeIdp,
    Reply,
    make_certificate,
    rules_for,
    running_idp,
    sign_in,
)

FORM = {"grant_type": "refresh_token", "refresh_token": "r"}


async def posted(rules: IdpRules, idp: FakeIdp) -> Answer | Trouble | Misconfigured:
    async with open_session() as http:
        return await ProvenRequests(rules, http).post(f"{idp.issuer}/token", FORM, NOW)


def rotating(*secrets: str) -> Callable[[], str]:
    """A file that is rewritten between two looks at it."""
    left = list(secrets)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def refused(answer: Answer | Trouble | Misconfigured) -> bool:
    return isinstance(answer, Answer) and b"invalid_client" in answer.body


@pytest.mark.parametrize("method", [ClientAuth.BASIC, ClientAuth.POST])
async def test_a_secret_that_was_rotated_on_the_way_is_tried_once_more(
    idp: FakeIdp, method: ClientAuth
) -> None:
    answer = await posted(rules_for(idp, client_auth=method, secret=rotating("old", CLIENT_SECRET)), idp)
    assert isinstance(answer, Answer)
    assert not refused(answer)
    assert idp.requests["token"] == 2
    assert idp.forms[0]["refresh_token"] == idp.forms[1]["refresh_token"]


async def test_a_key_that_was_rotated_on_the_way_is_tried_once_more(idp: FakeIdp) -> None:
    idp.client_key = key_of("new").public_key()
    key = rotating(pem_of("old"), pem_of("new"))
    answer = await posted(rules_for(idp, client_auth=ClientAuth.PRIVATE_KEY_JWT, key=key), idp)
    assert not refused(answer)
    assert idp.requests["token"] == 2


async def test_a_secret_that_is_simply_wrong_is_tried_once(idp: FakeIdp) -> None:
    assert refused(await posted(rules_for(idp, secret=lambda: "wrong"), idp))
    assert idp.requests["token"] == 1


async def test_two_rotations_are_not_chased(idp: FakeIdp) -> None:
    assert refused(await posted(rules_for(idp, secret=rotating("one", "two", "three")), idp))
    assert idp.requests["token"] == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": "invalid_grant"}, status=400),
        Reply({"error": "invalid_client"}, status=503),
        Reply(b"invalid_client", status=401, content_type="text/html"),
    ],
)
async def test_nothing_but_a_refused_client_is_sent_again(idp: FakeIdp, reply: Reply) -> None:
    """A refresh token is sent once: after any other answer it may be spent."""
    idp.alter["token"] = lambda _: reply
    await posted(rules_for(idp, secret=rotating("old", CLIENT_SECRET)), idp)
    assert idp.requests["token"] == 1


async def test_without_a_proof_nothing_is_sent(idp: FakeIdp) -> None:
    rules = rules_for(idp, client_auth=ClientAuth.PRIVATE_KEY_JWT, key=lambda: "no key")
    assert await posted(rules, idp) == Misconfigured(code="client_key_malformed")
    assert "token" not in idp.requests


async def test_every_request_of_a_sign_in_and_a_sign_out_is_proven_by_key(idp: FakeIdp) -> None:
    idp.client_key = key_of("new").public_key()
    rules = rules_for(idp, client_auth=ClientAuth.PRIVATE_KEY_JWT, key=lambda: pem_of("new"))
    idp.announce = {"pushed_authorization_request_endpoint": f"{idp.issuer}/push"}
    async with open_session() as http:
        client = OidcClient(rules, http)
        signed_in = await sign_in(client, idp)
        assert isinstance(signed_in, SignedIn), signed_in
        assert await client.revoke(signed_in.tokens, NOW)
    assert [idp.requests[name] for name in ("push", "token", "revoke")] == [1, 1, 1]
    assert len({form["client_assertion"] for form in idp.forms}) == 3


# --- mutual TLS -----------------------------------------------------------------------------------------------------


def mutual_rules(idp: FakeIdp, folder: Path, server: Path, **changed: Any) -> IdpRules:
    return rules_for(
        idp,
        client_auth=ClientAuth.SELF_SIGNED_TLS,
        certificate_file=str(folder / "client.crt"),
        key_file=str(folder / "client.key"),
        ca_file=str(server),
        **changed,
    )


def aliases(idp: FakeIdp) -> dict[str, Any]:
    names = {"token_endpoint": "token", "userinfo_endpoint": "userinfo", "revocation_endpoint": "revoke"}
    return {"mtls_endpoint_aliases": {name: f"{idp.mutual}/{path}" for name, path in names.items()}}


async def test_a_rotated_certificate_is_shown_at_the_next_request(tmp_path: Path) -> None:
    server = make_certificate(tmp_path)
    write_pair(tmp_path, "one")
    known = certificate_of("one") + certificate_of("two")
    async with running_idp(server, demanded=known) as idp, open_session() as http:
        idp.announce = aliases(idp)
        client = OidcClient(mutual_rules(idp, tmp_path, server), http)
        await sign_in(client, idp)
        write_pair(tmp_path, "two")
        await sign_in(client, idp)
    assert idp.certificates == ["one", "two"]


async def test_a_certificate_that_the_idp_refuses_is_trouble_and_says_whose(tmp_path: Path) -> None:
    server = make_certificate(tmp_path)
    write_pair(tmp_path, "two")
    async with running_idp(server, demanded=certificate_of("one")) as idp, open_session() as http:
        idp.announce = aliases(idp)
        answer = await sign_in(OidcClient(mutual_rules(idp, tmp_path, server), http), idp)
    assert isinstance(answer, Trouble)
    assert answer.detail in {"client_certificate_refused", "connection_failed", "answer_broken"}


async def test_without_its_files_nothing_is_sent(tmp_path: Path) -> None:
    server = make_certificate(tmp_path)
    async with running_idp(server) as idp, open_session() as http:
        rules = mutual_rules(idp, tmp_path, server)
        lost = Misconfigured(code="client_certificate_unreadable")
        assert await posted(rules, idp) == lost
        assert await ProvenRequests(rules, http).get(f"{idp.issuer}/userinfo", bearer="x") == lost
    assert idp.requests == {}


async def test_a_method_without_a_certificate_shows_none(tmp_path: Path) -> None:
    server = make_certificate(tmp_path)
    write_pair(tmp_path, "one")
    async with running_idp(server, demanded=certificate_of("one")) as idp, open_session() as http:
        idp.announce = aliases(idp)
        plain = replace(mutual_rules(idp, tmp_path, server), client_auth=ClientAuth.BASIC)
        assert isinstance(await sign_in(OidcClient(plain, http), idp), SignedIn)
    assert idp.certificates == [None]
