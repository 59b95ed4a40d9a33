"""The edge's figures are read when somebody scrapes."""

from proxy.telemetry.edge import EdgeFigures, UpstreamFigures
from proxy.telemetry.metrics import Metrics


def test_each_upstream_has_its_state_and_its_failures() -> None:
    metrics = Metrics()
    app = UpstreamFigures(name="http://app:80", prefix="", is_up=True, failures={})
    api = UpstreamFigures(
        name="http://app:80", prefix="/api", is_up=False, failures={"upstream_unavailable": 3}
    )
    figures = EdgeFigures(connections=7, refused_connections=2, upstreams=(app, api))
    metrics.edge.read = lambda: figures
    lines = metrics.render().decode().splitlines()
    assert 'muster_upstream_up{prefix="",upstream="http://app:80"} 1.0' in lines
    assert 'muster_upstream_up{prefix="/api",upstream="http://app:80"} 0.0' in lines
    assert (
        'muster_upstream_failures_total{prefix="/api",reason="upstream_unavailable",upstream="http://app:80"} 3.0'
        in lines
    )
    assert "muster_connections 7.0" in lines
    assert "muster_connections_refused_total 2.0" in lines


def test_before_there_is_an_edge_there_is_no_upstream() -> None:
    text = Metrics().render().decode()
    assert "muster_connections 0.0" in text
    assert "muster_upstream_up{" not in text
