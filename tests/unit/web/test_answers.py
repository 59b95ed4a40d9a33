import json

import pytest

from proxy.web.answers import Answer, content_policy, json_answer, page_answer, redirect, text_answer


def test_a_page_carries_every_protection() -> None:
    answer = page_answer(200, "<p>hi")
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-frame-options") == "DENY"
    assert answer.header("referrer-policy") == "same-origin"


def test_the_policy_allows_no_script_and_nothing_inline() -> None:
    policy = content_policy()
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert policy.endswith("form-action 'self'")


def test_a_forms_answer_may_lead_to_the_named_origins_only() -> None:
    assert content_policy(("https://idp.example.com",)).endswith("form-action 'self' https://idp.example.com")


@pytest.mark.parametrize(
    "answer", [page_answer(200, ""), json_answer(200, {}), text_answer(200, ""), redirect("/")]
)
def test_nothing_of_ours_is_cached_or_sniffed(answer: Answer) -> None:
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Content-Type-Options") == "nosniff"


def test_a_redirect_is_a_303() -> None:
    assert (redirect("https://x/").status, redirect("https://x/").header("location")) == (303, "https://x/")


def test_json_is_json() -> None:
    assert json.loads(json_answer(401, {"error": "x"}).body) == {"error": "x"}


def test_header_fields_are_added_and_may_repeat() -> None:
    answer = Answer(status=200).with_headers(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    assert answer.headers == ((b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"))
    assert answer.header("nothing") is None
