"""Pushed requests: whatever is asked arrives whole, whatever is answered is a value."""

import json
from urllib.parse import parse_qsl, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.oidc.flow import with_query
from proxy.oidc.pushed import form_of, read_pushed
from proxy.session.model import Misconfigured, Trouble

ENDPOINTS = st.sampled_from(
    ["https://idp.example.com/auth", "https://idp.example.com/auth?tenant=a%26b&state=own"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PARAMETERS = st.dictionaries(TEXTS.filter(bool), TEXTS, min_size=1, max_size=12)
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["request_uri", "error", "x"]), inner)
    ),
    max_leaves=6,
)
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 401, 403, 429, 500, 503])


@given(ENDPOINTS, PARAMETERS)
@example("https://idp.example.com/auth?state=own", {"state": "ours"})
def test_what_is_pushed_is_what_was_to_be_asked_and_nothing_else(
    endpoint: str, parameters: dict[str, str]
) -> None:
    assert form_of(with_query(endpoint, parameters), endpoint) == parameters


@given(STATUSES, ANSWERS, st.sampled_from([None, "application/json", "text/html"]))
def test_any_answer_is_a_name_or_a_fault(status: int, answer: object, content_type: str | None) -> None:
    _is_value(status, content_type, json.dumps(answer).encode())


@given(STATUSES, st.binary(max_size=200))
def test_any_bytes_are_a_name_or_a_fault(status: int, body: bytes) -> None:
    _is_value(status, "application/json", body)


def _is_value(status: int, content_type: str | None, body: bytes) -> None:
    read = read_pushed(status, content_type, body, None)
    if not isinstance(read, str):
        assert isinstance(read, Trouble | Misconfigured)
        return
    assert status in (200, 201)
    url = with_query("https://idp.example.com/auth", {"client_id": "muster", "request_uri": read})
    assert dict(parse_qsl(urlsplit(url).query)) == {"client_id": "muster", "request_uri": read}
