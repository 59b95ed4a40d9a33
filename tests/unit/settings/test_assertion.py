"""The section `assertion`."""

from pathlib import Path

import pytest

from tests.fakes.configurations import mistakes_of, settings_of


def test_nothing_is_sent_unless_the_operator_says_so(tmp_path: Path) -> None:
    section = settings_of(tmp_path).assertion
    assert (section.enabled, section.header, section.audience) == (False, "X-Muster-Assertion", None)
    assert section.lifetime == 300.0


@pytest.mark.parametrize("lifetime", ["30s", "1m", "5m"])
def test_it_lives_for_minutes(lifetime: str, tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, assertion={"lifetime": lifetime}) == {}


@pytest.mark.parametrize("lifetime", ["29s", "301s", "1h"])
def test_another_lifetime_is_refused_with_the_bounds(lifetime: str, tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, assertion={"lifetime": lifetime})
    assert list(found) == ["assertion.lifetime"]
    assert "between 30s and 5m" in found["assertion.lifetime"]


@pytest.mark.parametrize("header", ["x_forwarded.user", "Authorization", "Cookie", "a b"])
def test_a_header_that_means_something_else_is_refused(header: str, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, assertion={"header": header})) == ["assertion.header"]


@pytest.mark.parametrize("audience", ["", " wiki"])
def test_an_audience_is_some_text(audience: str, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, assertion={"audience": audience})) == ["assertion.audience"]
