"""Passed sockets are taken for what they are, and anything else is a mistake that says so."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.app.passed import name_of, passed_sockets
from proxy.errors import SettingsError


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def test_they_are_known_by_where_they_listen(tcp: socket.socket, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "muster.sock"))
        unix.listen()
        found = passed_sockets([os.dup(tcp.fileno()), os.dup(unix.fileno())])
        assert found.keys() == {tcp.getsockname(), str(tmp_path / "muster.sock")}
        for name, own in found.items():
            assert name_of(own) == name
            assert own.gettimeout() == 0
            assert not own.get_inheritable()
            own.close()


def test_an_ipv6_address_has_no_scope_in_its_name() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
        assert name_of(six) == six.getsockname()[:2]


def test_what_does_not_listen_is_refused(tmp_path: Path) -> None:
    with socket.socket() as quiet, socket.socket(type=socket.SOCK_DGRAM) as letters:
        for own in (quiet, letters):
            with pytest.raises(SettingsError, match="does not listen"):
                passed_sockets([own.fileno()])
    with (
        (tmp_path / "file").open("w") as file,
        pytest.raises(SettingsError, match=f"descriptor {file.fileno()}"),
    ):
        passed_sockets([file.fileno()])
