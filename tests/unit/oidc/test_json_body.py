from typing import Any

import pytest

from proxy.oidc.json_body import parse_object, positive_number, read_json, read_json_object


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/problem+json",
        "",
        None,
    ],
)
def test_json_is_read_under_its_types_and_under_none(content_type: str | None) -> None:
    assert read_json_object(b'{"a": 1}', content_type) == {"a": 1}


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/jwt", "json"])
def test_json_under_another_type_is_not_read(content_type: str) -> None:
    assert read_json_object(b'{"a": 1}', content_type) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": ', b"[]", b'"a"', b"null", b"<html>", b"\xff\xfe{", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_json_object_is_none_and_raises_nothing(body: bytes) -> None:
    assert parse_object(body) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (300, 300.0),
        (0.5, 0.5),
        ("300", 300.0),
        (0, None),
        ("0", None),
        (-1, None),
        ("-1", None),
        (True, None),
        (None, None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("9" * 13, None),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
        ([300], None),
    ],
)
def test_a_life_is_a_positive_number_of_seconds_or_unknown(value: Any, seconds: float | None) -> None:
    assert positive_number(value) == seconds


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        (b"[1]", "application/json", [1]),
        (b'{"a": 1}', None, {"a": 1}),
        (b"[]", "text/html", None),
        (b"3", "application/json", None),
        (b"[", "application/json", None),
        (b"[" * 100_000, "application/json", None),
    ],
)
def test_a_list_is_read_where_one_may_be(body: bytes, kind: str | None, value: object) -> None:
    assert read_json(body, kind) == value
