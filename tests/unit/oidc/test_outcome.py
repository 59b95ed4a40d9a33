"""Every row of the table in `oidc/outcome.py`, and every row of what is known about real IdPs."""

import json
from typing import Any

import pytest

from proxy.identity import IdpId
from proxy.oidc.outcome import TokenAnswer, classify, merge_tokens, safe_code
from proxy.oidc.rules import IdpKind, IdpRules
from proxy.session.model import AskAgain, Denied, Misconfigured, Tokens, Trouble

JSON = "application/json"
PLAIN = AskAgain(code="invalid_grant", is_plain_invalid_grant=True)
EXPLAINED = AskAgain(code="invalid_grant")


def rules(kind: IdpKind = IdpKind.GENERIC, **more: Any) -> IdpRules:
    return IdpRules(
        id=IdpId("corp"),
        name="Corp",
        issuer="https://idp.example.com",
        client_id="muster",
        kind=kind,
        **more,
    )


def judge(document: Any, status: int = 400, *, by: IdpRules | None = None, is_refresh: bool = True) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return classify(status, JSON, body, None, by or rules(), is_refresh=is_refresh)


def grant(description: str | None = None, **more: Any) -> dict[str, Any]:
    return {"error": "invalid_grant", **({"error_description": description} if description else {}), **more}


# --- trouble --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 429, 408, 300, 301, 302, 307])
@pytest.mark.parametrize(
    "document", [grant("User disabled"), {"error": "invalid_client"}, {"access_token": "a"}]
)
def test_a_server_in_trouble_is_not_believed_whatever_it_says(status: int, document: Any) -> None:
    answer = judge(document, status, by=rules(IdpKind.KEYCLOAK))
    assert answer == Trouble(detail=f"http_{status}")


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
@pytest.mark.parametrize("body", [b"", b"<html>oops</html>", b'{"access_token": "a', b"[]", b"null", b'"no"'])
def test_what_is_no_json_object_is_trouble(status: int, body: bytes) -> None:
    assert judge(body, status) == Trouble(detail="not_json")


def test_an_html_page_is_trouble_even_with_json_in_it() -> None:
    answer = classify(400, "text/html", b'{"error": "invalid_grant"}', None, rules(), is_refresh=True)
    assert answer == Trouble(detail="not_json")


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error", "slow_down"])
@pytest.mark.parametrize("status", [200, 400, 403])
def test_the_idps_own_word_for_trouble_is_trouble(error: str, status: int) -> None:
    assert judge({"error": error}, status) == Trouble(detail=error)


@pytest.mark.parametrize("document", [{}, {"error": ""}, {"error": 7}, {"error": None}, {"message": "no"}])
def test_a_refusal_without_a_code_is_trouble(document: Any) -> None:
    assert judge(document) == Trouble(detail="no_error_code")


@pytest.mark.parametrize(
    "document", [{}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a\r\nb"}]
)
def test_a_success_without_a_usable_access_token_is_trouble(document: Any) -> None:
    assert judge(document, 200) == Trouble(detail="no_access_token")


def test_retry_after_is_handed_on() -> None:
    for status, body, detail in (
        (503, b"", "http_503"),
        (400, b"", "not_json"),
        (400, b"{}", "no_error_code"),
        (400, b'{"error": "slow_down"}', "slow_down"),
    ):
        answer = classify(status, JSON, body, 30.0, rules(), is_refresh=True)
        assert answer == Trouble(detail=detail, retry_after=30.0)


@pytest.mark.parametrize("code", [50033, 50087, 70012, 80001, 80002, 80005, 80014])
def test_entra_in_trouble_with_its_back_end_is_trouble_not_a_refusal(code: int) -> None:
    assert isinstance(judge(grant(error_codes=[code]), by=rules(IdpKind.ENTRA)), Trouble)


def test_trouble_outweighs_a_marker_beside_it() -> None:
    answer = judge(grant(error_codes=[50057, 80002]), by=rules(IdpKind.ENTRA))
    assert isinstance(answer, Trouble)


# --- success --------------------------------------------------------------------------------------------------------


def test_tokens_are_a_token_answer() -> None:
    document = {
        "access_token": "a",
        "refresh_token": "r",
        "id_token": "i",
        "expires_in": 300,
        "refresh_expires_in": 1800,
    }
    assert judge(document, 200) == TokenAnswer(
        access_token="a", refresh_token="r", id_token="i", expires_in=300.0, refresh_expires_in=1800.0
    )


@pytest.mark.parametrize(
    ("more", "life"),
    [
        ({"refresh_expires_in": 0}, None),
        ({"refresh_token_expires_in": 60}, 60.0),
        ({"refresh_expires_in": "90"}, 90.0),
        ({"refresh_expires_in": 0, "refresh_token_expires_in": 60}, 60.0),
        ({}, None),
    ],
)
def test_the_refresh_tokens_life_has_two_names_and_zero_means_no_end(more: Any, life: float | None) -> None:
    answer = judge({"access_token": "a", **more}, 200)
    assert answer.refresh_expires_in == life


def test_a_success_that_carries_an_error_is_an_error() -> None:
    assert judge({"access_token": "a", "error": "invalid_grant"}, 200) == PLAIN


def test_no_token_is_shown() -> None:
    answer = TokenAnswer(access_token="s3cret-a", refresh_token="s3cret-r", id_token="s3cret-i")
    assert "s3cret" not in repr(answer)


# --- our fault ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        "invalid_client",
        "unauthorized_client",
        "invalid_request",
        "unsupported_grant_type",
        "access_denied",
        "odd_one",
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_code_about_us_or_an_unknown_one_is_misconfigured(error: str, status: int) -> None:
    assert judge({"error": error, "error_description": "User disabled"}, status) == Misconfigured(code=error)


@pytest.mark.parametrize("code", [70002, 7000215, 70001, 700011, 650056])
def test_entras_codes_about_us_are_misconfigured_under_any_error(code: int) -> None:
    assert judge(grant(error_codes=[code]), by=rules(IdpKind.ENTRA)) == Misconfigured(code="invalid_grant")


@pytest.mark.parametrize("error", ["a b", "<script>", "x" * 65, "é", "a\nb"])
def test_an_unreadable_code_is_not_repeated(error: str) -> None:
    assert judge({"error": error}) == Misconfigured(code="unreadable_code")
    assert safe_code(error) == "unreadable_code"


# --- denied ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "document", "marker"),
    [
        (IdpKind.KEYCLOAK, 400, grant("User disabled"), "user disabled"),
        (IdpKind.KEYCLOAK, 400, grant("user disabled."), "user disabled"),
        (IdpKind.AUTH0, 403, grant("user is blocked"), "user is blocked"),
        (IdpKind.LOGTO, 400, grant("user is suspended"), "user is suspended"),
        (IdpKind.ENTRA, 400, grant("AADSTS50057: x", error_codes=[50057]), "50057"),
        (IdpKind.ENTRA, 400, grant(error_codes=[50034]), "50034"),
        (IdpKind.ENTRA, 400, grant(error_codes=[51004]), "51004"),
        (IdpKind.ENTRA, 400, grant(error_codes=[50020]), "50020"),
        (IdpKind.ENTRA, 400, grant(error_codes=[50105]), "50105"),
        (IdpKind.ENTRA, 400, grant(error_codes=[16003]), "16003"),
        (IdpKind.ENTRA, 400, grant(error_codes=["50057"]), "50057"),
    ],
)
def test_a_known_marker_means_denied(kind: IdpKind, status: int, document: Any, marker: str) -> None:
    assert judge(document, status, by=rules(kind)) == Denied(marker=marker)


@pytest.mark.parametrize("code", [50020, 50105, 16003])
def test_some_of_entras_codes_mean_denied_only_at_a_refresh(code: int) -> None:
    assert judge(grant(error_codes=[code]), by=rules(IdpKind.ENTRA), is_refresh=False) == EXPLAINED


@pytest.mark.parametrize(
    "kind", [IdpKind.GENERIC, IdpKind.OKTA, IdpKind.GOOGLE, IdpKind.ENTRA, IdpKind.AUTH0]
)
def test_one_idps_marker_means_nothing_from_another(kind: IdpKind) -> None:
    assert judge(grant("User disabled"), by=rules(kind)) == PLAIN


@pytest.mark.parametrize(
    "text", ["The user disabled cookies", "User disabled?", "User disabledX", "not: user is blocked"]
)
def test_a_marker_is_the_whole_text_never_a_part_of_it(text: str) -> None:
    assert (
        judge(grant(text), by=rules(IdpKind.KEYCLOAK, denied_markers=frozenset({"user is blocked"}))) == PLAIN
    )


@pytest.mark.parametrize(
    "document",
    [grant("Account locked."), grant(suberror="account locked"), grant(error_subtype="ACCOUNT LOCKED")],
)
def test_the_operator_may_name_markers(document: Any) -> None:
    by = rules(denied_markers=frozenset({"Account Locked"}))
    assert judge(document, by=by) == Denied(marker="account locked")


@pytest.mark.parametrize(
    "error", ["invalid_client", "interaction_required", "invalid_scope", "access_denied"]
)
def test_a_marker_beside_another_error_denies_nobody(error: str) -> None:
    answer = judge({"error": error, "error_description": "User disabled"}, by=rules(IdpKind.KEYCLOAK))
    assert not isinstance(answer, Denied)


# --- ask again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
        "invalid_scope",
    ],
)
def test_the_idp_wants_to_see_the_browser(error: str) -> None:
    assert judge({"error": error}) == AskAgain(code=error)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (IdpKind.OKTA, grant("The refresh token is invalid or expired.")),
        (IdpKind.GOOGLE, grant("Token has been expired or revoked.")),
        (IdpKind.AUTH0, grant("Unknown or invalid refresh token.")),
        (IdpKind.KEYCLOAK, grant("Invalid refresh token")),
        (IdpKind.KEYCLOAK, grant("Session not active")),
        (IdpKind.KEYCLOAK, grant("Offline session not active")),
        (IdpKind.KEYCLOAK, grant("Offline user session not found")),
        (IdpKind.GENERIC, grant()),
        (IdpKind.GENERIC, grant("grant request is invalid")),
        (IdpKind.ENTRA, grant(error_codes=[99999])),
    ],
)
def test_an_invalid_grant_that_nothing_explains_is_plain(kind: IdpKind, document: Any) -> None:
    assert judge(document, by=rules(kind)) == PLAIN


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (IdpKind.KEYCLOAK, grant("Token is not active")),
        (IdpKind.KEYCLOAK, grant("Stale token")),
        (IdpKind.KEYCLOAK, grant("Maximum allowed refresh token reuse exceeded")),
        (
            IdpKind.KEYCLOAK,
            grant("Offline session invalid because offline access not granted anymore"),
        ),
        (IdpKind.GOOGLE, grant("reauth related error", error_subtype="invalid_rapt")),
        (IdpKind.ENTRA, grant(suberror="bad_token", error_codes=[70000])),
        *(
            (IdpKind.ENTRA, grant(error_codes=[code]))
            for code in (
                *(50173, 50132, 50133),  # revoked
                *(70008, 700082, 700084, 70043, 50089),  # expired
                *(50072, 50074, 50076, 50078, 50079, 50158, 65001),  # another factor, consent
                *(53000, 53001, 53003),  # policy
            )
        ),
    ],
)
def test_an_invalid_grant_that_explains_itself_starts_no_timer(kind: IdpKind, document: Any) -> None:
    assert judge(document, by=rules(kind)) == EXPLAINED


def test_an_invalid_grant_at_the_code_exchange_is_never_plain() -> None:
    assert judge(grant(), is_refresh=False) == EXPLAINED


def test_codes_named_by_the_operator_mean_ask_again_and_start_no_timer() -> None:
    by = rules(ask_again_codes=frozenset({"invalid_request"}))
    assert judge({"error": "invalid_request"}, by=by) == AskAgain(code="invalid_request")
    assert judge({"error": "invalid_request"}) == Misconfigured(code="invalid_request")


def test_a_marker_counts_beside_a_code_that_the_operator_named() -> None:
    by = rules(ask_again_codes=frozenset({"invalid_request"}), denied_markers=frozenset({"locked"}))
    assert judge({"error": "invalid_request", "error_description": "locked"}, by=by) == Denied(
        marker="locked"
    )


@pytest.mark.parametrize(
    "codes", ["50057", 50057, {"50057": 1}, [None, True, -1, 1.5, [50057], "", "x" * 300]]
)
def test_odd_error_codes_are_no_codes(codes: Any) -> None:
    assert judge(grant(error_codes=codes), by=rules(IdpKind.ENTRA)) == PLAIN


@pytest.mark.parametrize("text", [7, None, ["User disabled"], {"a": "User disabled"}])
def test_an_odd_description_is_none(text: Any) -> None:
    document = {"error": "invalid_grant", "error_description": text}
    assert judge(document, by=rules(IdpKind.KEYCLOAK)) == PLAIN


# --- what a session keeps -------------------------------------------------------------------------------------------

OLD = Tokens(
    access_token="a1", refresh_token="r1", id_token="i1", access_expires_at=50.0, refresh_expires_at=900.0
)


def test_a_rotated_refresh_token_replaces_the_old_one_and_its_end() -> None:
    answer = TokenAnswer(access_token="a2", refresh_token="r2", id_token="i2", expires_in=300.0)
    merged = merge_tokens(answer, OLD, 100.0)
    assert (merged.access_token, merged.refresh_token, merged.id_token) == ("a2", "r2", "i2")
    assert (merged.access_expires_at, merged.refresh_expires_at) == (400.0, None)


def test_an_unrotated_refresh_token_is_kept_with_its_end() -> None:
    merged = merge_tokens(TokenAnswer(access_token="a2"), OLD, 100.0)
    assert (merged.refresh_token, merged.refresh_expires_at, merged.id_token) == ("r1", 900.0, "i1")
    assert merged.access_expires_at is None


def test_a_restated_end_counts_for_a_kept_refresh_token_too() -> None:
    merged = merge_tokens(TokenAnswer(access_token="a2", refresh_expires_in=60.0), OLD, 100.0)
    assert (merged.refresh_token, merged.refresh_expires_at) == ("r1", 160.0)


def test_a_first_answer_has_nothing_to_keep() -> None:
    merged = merge_tokens(TokenAnswer(access_token="a"), None, 100.0)
    assert merged == Tokens(access_token="a")
