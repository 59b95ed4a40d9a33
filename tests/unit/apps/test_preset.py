"""A preset as a whole."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from proxy.apps.preset import ErrorRule, Means, Preset
from proxy.apps.requests import (
    AccountRequest,
    AccountWrite,
    CreateRequest,
    GroupWrite,
    MembershipWrite,
    ProfileWrite,
    RoleWrite,
    SearchRequest,
)

WHOLE: dict[str, Any] = {
    "app": "X",
    "version": "1",
    "status": "unverified",
    "authentication": {"kind": "header", "header": "X-Key", "value": "{credentials.token}"},
    "member": {"id": "id", "login": "login", "active": "active"},
    "account": {"request": "GET /u/{account}"},
    "search": {"requests": [{"request": "GET /u", "items": "@"}]},
    "archive": {"request": "POST /u/{account}/off"},
    "restore": {"request": "POST /u/{account}/on"},
}


def test_the_smallest_whole_preset() -> None:
    preset = Preset.model_validate(WHOLE)
    assert preset.create is None
    assert {request.request.path.source for request in preset.requests()} == {
        "/u",
        "/u/{account}",
        "/u/{account}/on",
        "/u/{account}/off",
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"restore": None}, "must be able to come back"),
        ({"join": {"request": "PUT /g"}}, "come together"),
        ({"leave": {"request": "PUT /g"}}, "come together"),
        ({"archive": None}, "archive_means"),
        ({"headers": {"X": "{account}"}}, "not known here"),
        ({"headers": {"X": "{variables.lang}"}, "variables": {"language": "en"}}, "did you mean “language”"),
        ({"archive": {"request": "POST /u/{variables.realm}"}}, "not declared"),
        ({"status": "tested"}, "verified"),
        ({"errors": [{"status": 409, "text": "(", "means": "refused"}]}, "no regular expression"),
        ({"version": 5}, "string"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Preset.model_validate(WHOLE | change)


def test_an_app_that_cannot_archive_says_what_happens_instead() -> None:
    preset = Preset.model_validate(
        {**WHOLE, "archive": None, "restore": None, "archive_means": "deleted only by hand"}
    )
    assert preset.archive is None


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429, 500, 503])
def test_nobody_is_gone_but_by_404_or_410(status: int) -> None:
    with pytest.raises(ValidationError, match="404 and 410"):
        ErrorRule.model_validate({"status": status, "means": "account_gone"})


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_what_is_not_proved_or_broken_never_counts_as_done(status: int) -> None:
    with pytest.raises(ValidationError, match="cannot count as done"):
        ErrorRule.model_validate({"status": status, "means": "already_so"})


@pytest.mark.parametrize("status", [200, 302, 399, 600, "409"])
def test_an_error_is_an_error(status: object) -> None:
    with pytest.raises(ValidationError):
        ErrorRule.model_validate({"status": status, "means": "refused"})


def test_the_guide_tells_every_key_and_every_meaning() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "presets.md").read_text("utf-8")
    for name in (*Preset.model_fields, *Means):
        assert f"`{name}`" in guide, name


def test_the_guide_tells_every_placeholder() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "presets.md").read_text("utf-8")
    models = (
        AccountRequest,
        SearchRequest,
        CreateRequest,
        AccountWrite,
        ProfileWrite,
        RoleWrite,
        GroupWrite,
        MembershipWrite,
    )
    for name in {*CreateRequest.login_names, *(name for model in models for name in model.allowed)}:
        assert f"`{name}`" in guide, name
