"""A refusal as gRPC clients read it."""

import pytest

from proxy.gate.decision import Deny, Kind, Request, SignIn
from proxy.reasons import Reason
from proxy.web.grpc import grpc_answer


def asked(content_type: bytes = b"application/grpc-web+proto") -> Request:
    return Request(
        method=b"POST",
        target=b"/greet.Greeter/Hello",
        path=b"/greet.Greeter/Hello",
        headers=[(b"Content-Type", content_type)],
        names=[b"content-type"],
        host=b"app.example.com",
        cookie=None,
        peer="192.0.2.1",
        scheme="https",
    )


def test_not_signed_in_is_unauthenticated_in_the_headers_of_an_empty_200() -> None:
    answer = grpc_answer(SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.GRPC), asked())
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("grpc-status") == "16"
    assert answer.header("grpc-message") == "not_signed_in"
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    ("status", "code"), [(403, "7"), (502, "14"), (503, "14"), (504, "14"), (413, "8"), (421, "2")]
)
def test_other_refusals_follow_grpcs_own_mapping(status: int, code: str) -> None:
    verdict = Deny(status=status, reason=Reason.NO_SEAT, kind=Kind.GRPC, retry_after=3)
    answer = grpc_answer(verdict, asked())
    assert answer.header("grpc-status") == code
    assert answer.header("Retry-After") == "3"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"application/grpc", "application/grpc"),
        (b"application/grpc+proto", "application/grpc+proto"),
        (b"application/grpc-web-text", "application/grpc-web-text"),
        (b"application/GRPC-web+json; charset=utf-8", "application/grpc-web+json"),
        (b"application/grpc+<b>", "application/grpc"),
    ],
)
def test_the_answer_has_the_clients_own_media_type_and_nothing_else_of_it(sent: bytes, answered: str) -> None:
    verdict = SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.GRPC)
    assert grpc_answer(verdict, asked(sent)).header("Content-Type") == answered
