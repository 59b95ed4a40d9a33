"""Each rule per path as it was written; `test_rules.py` holds that every setting changes something."""

from pathlib import Path

from proxy.app.path_rules import demands, path_rules
from proxy.gate.paths import AnswerAs, PathRule, PathRules
from proxy.identity import IdpId
from proxy.session.step_up import Demand
from tests.fakes.configurations import settings_of
from tests.fakes.people import groups

WRITTEN = [
    {
        "path": "/admin/*",
        "methods": ["POST", "PUT"],
        "answer": "unauthorized",
        "groups": "admins, owners",
        "idps": ["corp"],
        "acr_values": ["urn:b", "urn:a"],
        "max_age": "15m",
    },
    {"path": "/pay", "max_age": "15m"},
    {"path": "/docs/*", "identity": "optional"},
]


def test_rules_keep_their_order_and_all_that_was_written(tmp_path: Path) -> None:
    assert path_rules(settings_of(tmp_path, paths=WRITTEN)) == PathRules(
        (
            PathRule(
                path="/admin/*",
                methods=frozenset({b"POST", b"PUT"}),
                answer=AnswerAs.UNAUTHORIZED,
                groups=groups("admins", "owners"),
                idps=frozenset({IdpId("corp")}),
                demand=Demand(acr_values=("urn:b", "urn:a"), max_age=900),
            ),
            PathRule(path="/pay", demand=Demand(max_age=900)),
            PathRule(path="/docs/*", is_optional=True),
        )
    )


def test_the_demands_are_those_of_the_paths_and_no_other(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, paths=WRITTEN)
    assert demands(settings) == {Demand(acr_values=("urn:b", "urn:a"), max_age=900), Demand(max_age=900)}
    assert demands(settings_of(tmp_path)) == frozenset()
    assert not path_rules(settings_of(tmp_path))
