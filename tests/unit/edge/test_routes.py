"""The longest prefix wins, by whole segments, on the bytes as they came."""

import pytest

from proxy.edge.routes import Routes

ROUTES = Routes("app", [(b"/api", "api"), (b"/api/v2/admin", "admin"), (b"/files", "files")])


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (b"/", "app"),
        (b"/api", "api"),
        (b"/api/", "api"),
        (b"/api/v2", "api"),
        (b"/api/v2/admin", "admin"),
        (b"/api/v2/admin/x", "admin"),
        (b"/api/v2/administrators", "api"),
        (b"/files/a", "files"),
        (b"/apis", "app"),
        (b"/API/x", "app"),
        (b"/%61pi/x", "app"),
        (b"//api/x", "app"),
        (b"/x/api/y", "app"),
        (b"/api;x", "app"),
        (b"*", "app"),
    ],
)
def test_a_path_goes_to(path: bytes, target: str) -> None:
    assert ROUTES.find(path) == target


def test_no_prefix_leaves_everything_to_the_rest() -> None:
    assert Routes("app").find(b"/api") == "app"


def test_all_are_named_for_whoever_ticks_and_closes_them() -> None:
    assert set(ROUTES.all()) == {"app", "api", "admin", "files"}
