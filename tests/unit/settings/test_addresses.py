"""Addresses and URLs are checked as far as they can be without a network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings.addresses import (
    Address,
    SocketFile,
    check_endpoint,
    check_origin,
    check_url,
    everybody,
    is_loopback,
    parse_address,
    parse_door,
    parse_doors,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[::1]:8080", "::1", 8080),
        ("localhost:80", "localhost", 80),
        ("my-host.example.com:65535", "my-host.example.com", 65535),
    ],
)
def test_an_address_is_host_and_port(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert (address.host, address.port, str(address)) == (host, port, text)


@pytest.mark.parametrize(
    "wrong", ["8080", ":8080", "127.0.0.1", "127.0.0.1:", "::1:8080", "[::1]", "a:b", 8080, None, "a:1:2"]
)
def test_what_is_no_address_is_refused_with_examples(wrong: object) -> None:
    with pytest.raises(ValueError, match="write host:port"):
        parse_address(wrong)


@pytest.mark.parametrize(
    "wrong", ["300.1.1.1:80", "1.2.3:80", "[12345::zz]:80", "ho st:80", "-a:80", "http://a:80"]
)
def test_a_host_must_be_a_name_or_an_ip_address(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"neither a host name nor|write host:port"):
        parse_address(wrong)


def test_a_port_has_an_end() -> None:
    with pytest.raises(ValueError, match="at most 65535"):
        parse_address("127.0.0.1:65536")


def test_one_address_may_stand_without_a_list() -> None:
    assert parse_doors("127.0.0.1:1") == (Address(host="127.0.0.1", port=1),)
    assert len(parse_doors(["127.0.0.1:1", "[::1]:1"])) == 2


def test_an_empty_list_of_addresses_listens_nowhere_and_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        parse_doors([])


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        assert 0 <= parse_address(text).port <= 65535
    except ValueError:
        return


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "app.localhost", "localhost.", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_browsers_treat_these_as_the_machine_itself(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example.com", "notlocalhost", "10.0.0.1", "127.0.0.1.example.com", "::2"]
)
def test_and_these_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://App.Example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_written_in_one_way(text: str, origin: str) -> None:
    assert check_origin(text) == origin


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("app.example.com", "absolute URL"),
        ("ftp://app.example.com", "absolute URL"),
        ("https://", "absolute URL"),
        ("https://a b", "absolute URL"),
        ("https://a\\b", "absolute URL"),
        ("https://app.example.com/path", "must not have a path"),
        ("https://app.example.com?x=1", "neither a query"),
        ("https://app.example.com/#", "neither a query"),
        ("https://me:pw@app.example.com", "user name or password"),
        ("https://app.example.com:99999", "cannot be read"),
        ("https://[::1", "cannot be read"),
    ],
)
def test_what_is_no_origin_is_refused_with_the_reason(wrong: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_origin(wrong)


def test_a_refused_url_does_not_repeat_its_password() -> None:
    with pytest.raises(ValueError, match="password") as caught:
        check_url("https://me:hunter2@idp.example.com")
    assert "hunter2" not in str(caught.value)


def test_an_issuer_stays_character_by_character() -> None:
    assert check_url("https://Example.auth0.com/") == "https://Example.auth0.com/"


def test_an_endpoint_loses_its_last_slash() -> None:
    assert check_endpoint("http://127.0.0.1:3000/redmine/") == "http://127.0.0.1:3000/redmine"


def test_a_unix_socket_is_named_by_its_absolute_path() -> None:
    assert parse_door("unix:/run/m.sock") == SocketFile(path="/run/m.sock")
    assert str(parse_door("unix:/run/m.sock")) == str(parse_door("unix:///run/m.sock")) == "unix:/run/m.sock"
    assert parse_door("127.0.0.1:1") == Address(host="127.0.0.1", port=1)


@pytest.mark.parametrize("wrong", ["unix:", "unix:m.sock", "unix:/run/", "unix:/a\0b"])
def test_what_names_no_file_is_no_unix_socket(wrong: str) -> None:
    with pytest.raises(ValueError, match="absolute path"):
        parse_door(wrong)


def test_a_path_that_no_kernel_takes_is_refused_early() -> None:
    assert str(parse_door("unix:/" + "a" * 106)).endswith("aaa")
    with pytest.raises(ValueError, match="107 bytes"):
        parse_door("unix:/" + "a" * 107)


@pytest.mark.parametrize(
    ("networks", "places"),
    [
        ([], ()),
        (["10.0.0.0/8", "::1/128"], ()),
        (["10.0.0.0/8", "0.0.0.0/0", "::/0"], (1, 2)),
        (["0.0.0.0/1", "10.0.0.0/8", "128.0.0.0/1"], (2,)),
        (["::/1", "0.0.0.0/1"], ()),
        (["::/1", "8000::/1", "10.0.0.0/8"], (1,)),
    ],
)
def test_everybody_is_noticed_by_halves_too(networks: list[str], places: tuple[int, ...]) -> None:
    assert everybody(networks) == places
