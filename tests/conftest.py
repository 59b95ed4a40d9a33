"""What holds for every test: Hypothesis profiles, no skipped test passes for a good one in CI, second tries, no false blame."""

import gc
import os
import sys
import warnings
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

IS_CI: Final = os.environ.get("CI", "").lower() in ("1", "true")

settings.register_profile(
    "quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("proof", settings.get_profile("quick"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


WHOLE_PROGRAMS: Final = (Path(__file__).parent / "e2e", Path(__file__).parent / "partners")
SECOND_TRIES: Final = 2
HAS_FAILED: Final = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Whole programs on a busy machine may miss a deadline: they are tried again, and named at the end (decision 144)."""
    for item in items:
        is_whole = any(folder in item.path.parents for folder in WHOLE_PROGRAMS)
        if is_whole or item.get_closest_marker("partner") is not None:
            item.add_marker(pytest.mark.flaky(reruns=SECOND_TRIES))


@pytest.fixture(autouse=True)
def nobody_else_is_blamed(request: pytest.FixtureRequest) -> None:
    """What a failed test left open is collected before the next one: else that fails for it when it collects garbage."""
    if request.config.stash.get(HAS_FAILED, False):
        request.config.stash[HAS_FAILED] = False
        for name in ("last_exc", "last_value", "last_traceback"):
            vars(sys).pop(name, None)
        with warnings.catch_warnings(action="ignore"):
            gc.collect()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a test that was skipped has failed: the machine lacks what the test needs."""
    report = yield
    if call.excinfo is not None:
        item.config.stash[HAS_FAILED] = True
    if IS_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI=true does not allow: {_why(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself whole."""
    report = yield
    if IS_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped whole, which CI=true does not allow: {_why(report)}"
    return report


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[-1]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
