"""How a preset says that the admin is proved."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.apps.authentication import Authentication

ADAPTER: TypeAdapter[Authentication] = TypeAdapter(Authentication)

HEADER = {"kind": "header", "header": "X-Key", "value": "{credentials.token}"}
BASIC = {"kind": "basic", "username": "{credentials.who}", "password": "{credentials.secret}"}
LOGIN = {
    "kind": "login",
    "request": "POST /login",
    "body": {"name": "{credentials.who}", "secret": ["{credentials.secret}"]},
    "token": "access",
    "value": "Bearer {token}",
}


@pytest.mark.parametrize(
    ("keys", "names"), [(HEADER, {"token"}), (BASIC, {"who", "secret"}), (LOGIN, {"who", "secret"})]
)
def test_it_knows_which_credentials_it_needs(keys: dict[str, Any], names: set[str]) -> None:
    assert ADAPTER.validate_python(keys).credentials == names


@pytest.mark.parametrize(
    "keys",
    [
        HEADER | {"value": "{token}"},
        HEADER | {"value": "{account}"},
        HEADER | {"header": "X Key"},
        HEADER | {"header": "X-Key\r\nHost"},
        BASIC | {"password": "{variables.password}"},
        LOGIN | {"body": {"name": "{login}"}},
        LOGIN | {"lifetime": 0},
        {"kind": "digest"},
        {key: HEADER[key] for key in ("kind", "header")},
    ],
)
def test_what_proves_nothing_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(keys)
