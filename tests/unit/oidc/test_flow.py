"""Both ends of a sign-in; the callback's table is also held by `tests/laws/test_callback.py`."""

import base64
import hashlib
import json
import random
import string
import zlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from proxy.errors import NotTrusted
from proxy.identity import IdpId
from proxy.oidc.flow import (
    ENTROPY_BYTES,
    MOST_RETURN_TO,
    Attempt,
    CallbackError,
    Code,
    Prompt,
    begin,
    check_callback,
    is_too_long,
    safe_return_to,
    unpack,
    with_query,
)
from proxy.oidc.metadata import Metadata
from proxy.oidc.rules import IdpKind, IdpRules
from proxy.session.step_up import Demand

NOW = 1_800_000_000.0
ISSUER = "https://idp.example.com"
METADATA = Metadata(
    issuer=ISSUER,
    authorization_endpoint="https://idp.example.com/auth",
    token_endpoint="https://idp.example.com/token",
    jwks_uri="https://idp.example.com/jwks",
    is_issuer_in_answers=True,
)
ENTROPY = bytes(range(ENTROPY_BYTES))


def rules(**changed: Any) -> IdpRules:
    return IdpRules(
        **{"id": IdpId("corp"), "name": "Corp", "issuer": ISSUER, "client_id": "muster", **changed}
    )


def begun(metadata: Metadata = METADATA, **changed: Any) -> tuple[Attempt, dict[str, str]]:
    arguments: dict[str, Any] = {"return_to": "/wiki?a=b", "entropy": ENTROPY, "now": NOW}
    for name in ("return_to", "entropy", "prompt", "login_hint", "demand"):
        if name in changed:
            arguments[name] = changed.pop(name)
    attempt, url = begin(rules(**changed), metadata, redirect_uri="https://app/cb", **arguments)
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return attempt, dict(pairs)


def code_of(query: list[tuple[str, str]], attempt: Attempt | None, now: float = NOW) -> str:
    with pytest.raises(NotTrusted) as refusal:
        check_callback(query, attempt, now=now)
    return refusal.value.code


# --- out ------------------------------------------------------------------------------------------------------------


def test_the_request_is_the_code_flow_with_pkce_state_and_nonce() -> None:
    attempt, asked = begun()
    digest = hashlib.sha256(attempt.code_verifier.encode()).digest()
    assert asked == {
        "response_type": "code",
        "client_id": "muster",
        "redirect_uri": "https://app/cb",
        "scope": "openid profile email",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }


def test_state_nonce_and_verifier_are_three_different_secrets_of_32_bytes() -> None:
    attempt, _ = begun()
    secrets = {attempt.state, attempt.nonce, attempt.code_verifier}
    assert len(secrets) == 3
    assert {len(secret) for secret in secrets} == {43}


@pytest.mark.parametrize("length", [0, 32, 95, 97])
def test_too_little_entropy_is_a_bug(length: int) -> None:
    with pytest.raises(ValueError, match="entropy"):
        begun(entropy=b"x" * length)


def test_the_attempt_remembers_what_the_callback_is_checked_against() -> None:
    attempt, _ = begun()
    assert (attempt.idp, attempt.issuer, attempt.return_to) == ("corp", ISSUER, "/wiki?a=b")
    assert (attempt.started_at, attempt.is_silent, attempt.is_issuer_expected) == (NOW, False, True)


def test_the_attempts_secrets_are_not_shown() -> None:
    attempt, _ = begun()
    for secret in (attempt.state, attempt.nonce, attempt.code_verifier):
        assert secret not in repr(attempt)


def test_a_silent_attempt_shows_nobody_anything() -> None:
    attempt, asked = begun(prompt=Prompt.NONE, login_hint="alice", extra_parameters={"prompt": "consent"})
    assert attempt.is_silent
    assert (asked["prompt"], asked["login_hint"]) == ("none", "alice")


def test_extra_parameters_are_added_but_never_replace_what_protects() -> None:
    extra = {"acr_values": "mfa", "prompt": "login", "state": "x", "nonce": "x", "redirect_uri": "x"}
    extra |= {"response_type": "token", "code_challenge": "x", "response_mode": "fragment", "request": "x"}
    attempt, asked = begun(extra_parameters=extra)
    assert (asked["acr_values"], asked["prompt"]) == ("mfa", "login")
    assert (asked["state"], asked["nonce"], asked["response_type"]) == (attempt.state, attempt.nonce, "code")
    assert "response_mode" not in asked
    assert "request" not in asked


def test_openid_is_always_asked_for() -> None:
    _, asked = begun(scopes=("email",))
    assert asked["scope"] == "openid email"


@pytest.mark.parametrize(
    ("kind", "domains", "expected"),
    [
        (IdpKind.GOOGLE, {"example.com"}, "example.com"),
        (IdpKind.GOOGLE, {"example.com", "example.org"}, "*"),
        (IdpKind.GOOGLE, set(), None),
        (IdpKind.GENERIC, {"example.com"}, None),
    ],
)
def test_google_is_told_the_hosted_domain(kind: IdpKind, domains: set[str], expected: str | None) -> None:
    _, asked = begun(kind=kind, hosted_domains=frozenset(domains))
    assert asked.get("hd") == expected


def test_an_endpoints_own_query_is_kept() -> None:
    metadata = replace(METADATA, authorization_endpoint="https://idp.example.com/auth?tenant=1")
    _, asked = begun(metadata)
    assert asked["tenant"] == "1"
    assert with_query("https://a/?x=1", {"y": "a b&c"}) == "https://a/?x=1&y=a+b%26c"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", "/"),
        ("/wiki?a=b&c=%20", "/wiki?a=b&c=%20"),
        ("/a//b", "/a//b"),
        ("", "/"),
        ("wiki", "/"),
        ("//evil.example.com", "/"),
        ("/\\evil.example.com", "/"),
        ("/a\\b", "/"),
        ("https://evil.example.com/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/\t/evil", "/"),
        ("/a b", "/"),
        ("/é", "/"),
        ("/" + "a" * 4095, "/" + "a" * 4095),
        ("/" + "a" * 4096, "/"),
    ],
)
def test_one_returns_to_a_path_of_this_origin_or_to_the_root(target: str, expected: str) -> None:
    assert safe_return_to(target) == expected
    assert begun(return_to=target)[0].return_to == expected


# --- kept -----------------------------------------------------------------------------------------------------------


def random_text(length: int) -> str:
    return "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=length))


def test_an_address_is_kept_up_to_4_kib_as_far_as_it_packs() -> None:
    query = "&".join(f"filter[{number}]=status:open+owner:{number}" for number in range(200))
    searched = f"/search?{query}"[:MOST_RETURN_TO]
    assert safe_return_to(searched) == searched
    assert not is_too_long(searched)
    random_one = "/" + random_text(2900)
    assert safe_return_to(random_one) == random_one
    for lost in ("/" + random_text(MOST_RETURN_TO - 1), searched + "a"):
        assert (safe_return_to(lost), is_too_long(lost)) == ("/", True)


@pytest.mark.parametrize("target", ["", "https://evil.example/" + "a" * 5000, "//evil/" + "a" * 5000, "/a"])
def test_only_a_path_of_ours_is_too_long(target: str) -> None:
    assert not is_too_long(target)


def test_an_attempt_that_inflates_without_end_is_none() -> None:
    assert unpack(zlib.compress(b'{"idp":"' + b"a" * 10_000_000 + b'"}')) is None
    assert unpack(begun()[0].pack() + b"more") is None
    assert unpack(begun()[0].pack()[:-1]) is None


def plain() -> bytes:
    """An attempt's JSON."""
    return zlib.decompress(begun()[0].pack())


def test_an_attempt_survives_packing() -> None:
    attempt, _ = begun(prompt=Prompt.NONE)
    assert unpack(attempt.pack()) == attempt


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"idp":"corp"}',
        plain().replace(b'"prompt":null', b'"prompt":0'),
        plain().replace(b'"idp":"corp"', b'"idp":7'),
        plain().replace(b'"idp":"corp"', b'"idp":"corp","more":1'),
        plain().replace(b"1800000000.0", b"true"),
        plain().replace(b"1800000000.0", b"9" * 400),
        plain().replace(b"1800000000.0", b"null"),
    ],
)
def test_broken_bytes_hold_no_attempt(packed: bytes) -> None:
    assert unpack(packed) is None


# --- back -----------------------------------------------------------------------------------------------------------


def good(attempt: Attempt, **changed: str) -> list[tuple[str, str]]:
    return list({"code": "c0de", "state": attempt.state, "iss": ISSUER, **changed}.items())


def test_the_right_answer_is_a_code_which_is_not_shown() -> None:
    attempt, _ = begun()
    answer = check_callback([*good(attempt), ("session_state", "x")], attempt, now=NOW + 1)
    assert answer == Code(value="c0de")
    assert "c0de" not in repr(answer)


@pytest.mark.parametrize(
    ("error", "code", "needs_browser"),
    [
        ("access_denied", "access_denied", False),
        ("login_required", "login_required", True),
        ("interaction_required", "interaction_required", True),
        ("consent_required", "consent_required", True),
        ("account_selection_required", "account_selection_required", True),
        ("temporarily_unavailable", "temporarily_unavailable", False),
        ("<script>", "unreadable_code", False),
        ("", "unreadable_code", False),
    ],
)
def test_the_idps_refusal_is_a_value(error: str, code: str, needs_browser: bool) -> None:
    attempt, _ = begun()
    query = [("error", error), ("state", attempt.state), ("iss", ISSUER), ("error_description", "<b>")]
    answer = check_callback(query, attempt, now=NOW)
    assert isinstance(answer, CallbackError)
    assert (answer.code, answer.needs_browser) == (code, needs_browser)


def test_every_refusal_has_its_own_code() -> None:
    attempt, _ = begun()
    query = good(attempt)
    assert code_of(query, None) == "no_attempt"
    assert code_of(good(attempt, state="other"), attempt) == "state_mismatch"
    assert code_of([("code", "c0de"), ("iss", ISSUER)], attempt) == "state_mismatch"
    assert code_of([*query, ("code", "c0de")], attempt) == "duplicate_parameter"
    assert code_of([*query, ("x", "1"), ("x", "2")], attempt) == "duplicate_parameter"
    assert code_of(good(attempt, iss="https://other"), attempt) == "issuer_mismatch"
    assert code_of([("code", "c0de"), ("state", attempt.state)], attempt) == "issuer_missing"
    assert code_of([*query, ("error", "access_denied")], attempt) == "answer_ambiguous"
    assert code_of([*query, ("id_token", "x")], attempt) == "answer_ambiguous"
    assert code_of([("state", attempt.state), ("iss", ISSUER)], attempt) == "code_missing"


@pytest.mark.parametrize("code", ["", "a\nb", "é", "\ud800"])
def test_a_code_is_printable(code: str) -> None:
    attempt, _ = begun()
    assert code_of(good(attempt, code=code), attempt) == "code_missing"


def test_too_much_is_refused_before_anything_is_compared() -> None:
    attempt, _ = begun()
    assert code_of(good(attempt, x="y" * 8192), attempt) == "callback_too_large"
    assert code_of([(str(n), "") for n in range(33)], attempt) == "callback_too_large"


@pytest.mark.parametrize(
    ("later", "is_good"), [(0, True), (600, True), (601, False), (-60, True), (-61, False)]
)
def test_an_attempt_lives_ten_minutes(later: float, is_good: bool) -> None:
    attempt, _ = begun()
    if is_good:
        assert check_callback(good(attempt), attempt, now=NOW + later) == Code(value="c0de")
    else:
        assert code_of(good(attempt), attempt, NOW + later) == "attempt_too_old"


def test_an_issuer_that_was_not_announced_may_be_absent_but_not_wrong() -> None:
    attempt = replace(begun()[0], is_issuer_expected=False)
    assert check_callback([("code", "c"), ("state", attempt.state)], attempt, now=NOW) == Code(value="c")
    assert code_of(good(attempt, iss="https://other"), attempt) == "issuer_mismatch"


@pytest.mark.parametrize(
    ("kind", "announced", "sent"),
    [
        (IdpKind.GENERIC, None, "select_account"),
        (IdpKind.GENERIC, frozenset({"none", "login"}), "login"),
        (IdpKind.GENERIC, frozenset({"login", "select_account"}), "select_account"),
        (IdpKind.KEYCLOAK, None, "login"),
        (IdpKind.KEYCLOAK, frozenset({"select_account"}), "select_account"),
    ],
)
def test_another_account_is_asked_for_in_words_that_the_idp_knows(
    kind: IdpKind, announced: frozenset[str] | None, sent: str
) -> None:
    attempt, asked = begun(replace(METADATA, prompts=announced), kind=kind, prompt=Prompt.SELECT_ACCOUNT)
    assert asked["prompt"] == sent
    assert attempt.prompt == sent
    assert unpack(attempt.pack()) == attempt


def test_a_silent_attempt_stays_silent_whatever_is_announced() -> None:
    attempt, asked = begun(replace(METADATA, prompts=frozenset({"login"})), prompt=Prompt.NONE)
    assert (attempt.is_silent, asked["prompt"]) == (True, "none")


@pytest.mark.parametrize(
    ("prompt", "added", "sent"),
    [
        (None, "consent", "consent"),
        (Prompt.NONE, "consent", "none"),
        (Prompt.SELECT_ACCOUNT, "consent", "select_account consent"),
        (Prompt.LOGIN, "select_account consent", "login consent"),
        (Prompt.SELECT_ACCOUNT, "login", "select_account"),
    ],
)
def test_the_operators_consent_stands_beside_what_we_ask_for(
    prompt: Prompt | None, added: str, sent: str
) -> None:
    """Google gives a refresh token only with it; silence has no company (OpenID Connect Core §3.1.2.1)."""
    _, asked = begun(prompt=prompt, extra_parameters={"prompt": added})
    assert asked["prompt"] == sent


def test_a_demand_is_sent_and_carried() -> None:
    demand = Demand(acr_values=("urn:a", "urn:b"), max_age=300)
    attempt, sent = begun(demand=demand)
    assert (sent["acr_values"], sent["max_age"]) == ("urn:a urn:b", "300")
    assert attempt.demand == demand
    assert unpack(attempt.pack()) == attempt


def test_without_a_demand_nothing_is_asked_but_what_the_operator_adds() -> None:
    _, sent = begun()
    assert not {"acr_values", "max_age"} & sent.keys()
    extra = {"acr_values": "urn:c", "max_age": "7"}
    _, sent = begun(extra_parameters=extra)
    assert (sent["acr_values"], sent["max_age"]) == ("urn:c", "7")
    _, sent = begun(extra_parameters=extra, demand=Demand(acr_values=("urn:a",)))
    assert (sent["acr_values"], sent["max_age"]) == ("urn:a", "7")


@pytest.mark.parametrize(
    "demand",
    [
        "urn:a", [], {}, {"acr_values": ["a"]}, {"acr_values": "a", "max_age": None}, {"acr_values": [1], "max_age": None},
        {"acr_values": [], "max_age": "5"}, {"acr_values": [], "max_age": True}, {"acr_values": [], "max_age": None, "x": 1},
    ],
)  # fmt: skip
def test_a_demand_of_another_shape_is_no_attempt(demand: object) -> None:
    attempt, _ = begun()
    record = {**json.loads(zlib.decompress(attempt.pack())), "demand": demand}
    assert unpack(json.dumps(record).encode()) is None


def test_an_attempt_from_before_an_upgrade_has_none() -> None:
    attempt, _ = begun()
    record = json.loads(zlib.decompress(attempt.pack()))
    del record["demand"]
    assert unpack(json.dumps(record).encode()) == attempt
