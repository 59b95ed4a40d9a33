"""The app's own authority."""

import pytest

from proxy.edge.rules import Limits, UpstreamRules


@pytest.mark.parametrize(
    ("host", "port", "authority"),
    [("app", 80, b"app"), ("app", 3000, b"app:3000"), ("::1", 80, b"[::1]"), ("::1", 3000, b"[::1]:3000")],
)
def test_authority(host: str, port: int, authority: bytes) -> None:
    assert UpstreamRules(host=host, port=port).authority == authority


def test_every_phase_has_a_deadline_by_default() -> None:
    limits, upstream = Limits(), UpstreamRules(host="a", port=1)
    deadlines = (
        limits.header_timeout,
        limits.body_timeout,
        limits.idle_timeout,
        limits.write_timeout,
        limits.drain_timeout,
    )
    assert all(0 < seconds < 120 for seconds in deadlines)
    assert 0 < upstream.connect_timeout < upstream.first_byte_timeout < 120
    assert 0 < upstream.idle_timeout < 120
