"""What a failed connect means."""

import socket
import ssl

import pytest

from proxy.edge.dialing import fault_of, is_refusal
from proxy.edge.rules import TlsRules, UpstreamRules
from proxy.reasons import Reason

PLAIN = UpstreamRules(host="app", port=80)
SECURE = UpstreamRules(host="app", port=443, tls=TlsRules(server_name="app"))

UNVERIFIED = ssl.SSLCertVerificationError(1, "failed")
UNVERIFIED.verify_message = "certificate has expired"


@pytest.mark.parametrize(
    ("error", "rules", "status", "reason", "detail"),
    [
        (ConnectionRefusedError(111, "x"), PLAIN, 503, Reason.UPSTREAM_UNAVAILABLE, "connection refused"),
        (OSError("Multiple exceptions"), PLAIN, 503, Reason.UPSTREAM_UNAVAILABLE, "connection refused"),
        (FileNotFoundError(2, "x"), PLAIN, 503, Reason.UPSTREAM_UNAVAILABLE, "no such file or directory"),
        (socket.gaierror(-2, "x"), PLAIN, 503, Reason.UPSTREAM_UNAVAILABLE, "its name is not known (DNS)"),
        (UnicodeError("label"), PLAIN, 503, Reason.UPSTREAM_UNAVAILABLE, "its name is not known (DNS)"),
        (TimeoutError(), PLAIN, 504, Reason.UPSTREAM_TIMEOUT, "no connection within 5 s"),
        (
            UNVERIFIED,
            SECURE,
            502,
            Reason.UPSTREAM_NOT_TRUSTED,
            "its certificate is not accepted: certificate has expired",
        ),
        (
            ssl.SSLError(1, "x"),
            SECURE,
            502,
            Reason.UPSTREAM_NOT_TRUSTED,
            "no TLS connection: the connection ended",
        ),
        (
            ConnectionResetError(),
            SECURE,
            502,
            Reason.UPSTREAM_NOT_TRUSTED,
            "no TLS connection: the connection ended",
        ),
    ],
)
def test_a_fault_is(
    error: OSError | UnicodeError, rules: UpstreamRules, status: int, reason: Reason, detail: str
) -> None:
    fault = fault_of(error, rules)
    assert (fault.status, fault.reason, fault.detail) == (status, reason, detail)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectionRefusedError(), True),
        (FileNotFoundError(), True),
        (OSError("Multiple exceptions"), True),
        (TimeoutError(), False),
        (socket.gaierror(), False),
        (UNVERIFIED, False),
        (ConnectionResetError(), False),
    ],
)
def test_only_a_refusal_may_be_better_in_a_moment(error: OSError, again: bool) -> None:
    assert is_refusal(error) is again
