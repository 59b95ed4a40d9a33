"""What the doctor says about redirect URIs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.doctor_callback import examine_callback
from proxy.oidc.metadata import Metadata
from tests.fakes.configurations import IDP, settings_of
from tests.fakes.web import metadata

SILENT = replace(metadata("https://idp.example.com"), is_issuer_in_answers=False)
NAMED = metadata("https://idp.example.com")
SECOND = {**IDP, "id": "second", "issuer": "https://second.example.com"}
SHARED = "https://app.example.com/_muster/callback"


@pytest.mark.parametrize(
    ("idps", "announced", "result", "seen"),
    [
        ([IDP], SILENT, "ok", f"register {SHARED} as"),
        ([{**IDP, "callback": "own"}], None, "ok", f"register {SHARED}/corp as"),
        ([IDP, SECOND], SILENT, "ok", f"register {SHARED}/corp as"),
        ([{**IDP, "callback": "shared"}, SECOND], NAMED, "ok", f"register {SHARED} as"),
        ([{**IDP, "callback": "shared"}, SECOND], SILENT, "failed", "does not send `iss`"),
        ([{**IDP, "callback": "shared"}, SECOND], None, "warning", "not told"),
    ],
)
def test_the_redirect_uri_is_named_and_one_that_is_not_safe_is_a_fault(
    idps: list[dict[str, Any]], announced: Metadata | None, result: str, seen: str, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, idps=[dict(idp) for idp in idps])
    found = examine_callback(settings, settings.idps[0], announced)
    assert (found.check, found.result.value) == ("idp corp: callback", result)
    assert seen in found.seen
    if result == "failed":
        assert f"{SHARED}/corp" in found.advice
