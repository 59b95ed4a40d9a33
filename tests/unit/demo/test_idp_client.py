"""A client's proof, from the header or the form."""

import base64

import pytest
from aiohttp.test_utils import make_mocked_request

from proxy.demo.idp_client import client_of, is_client
from proxy.demo.idp_state import IdpOptions, IdpState


@pytest.mark.parametrize(
    ("header", "form", "expected"),
    [
        ("", {"client_id": "a", "client_secret": "b"}, ("a", "b")),
        ("", {"client_id": "a"}, ("a", None)),
        ("Basic " + base64.b64encode(b"a%3A:b%2B").decode(), {}, ("a:", "b+")),
        ("Basic !", {}, ("", None)),
    ],
)
def test_the_proof_is_read(header: str, form: dict[str, str], expected: tuple[str, str | None]) -> None:
    request = make_mocked_request("POST", "/token", headers={"Authorization": header} if header else {})
    assert client_of(request, form) == expected


def test_a_client_is_one_with_its_secret_or_a_public_one() -> None:
    secret, public = (IdpState((), IdpOptions(client_id="a", client_secret=one)) for one in ("b", None))
    assert is_client(secret, "a", "b")
    assert not is_client(secret, "a", "c")
    assert not is_client(secret, "a", None)
    assert not is_client(secret, "x", "b")
    assert is_client(public, "a", None)
