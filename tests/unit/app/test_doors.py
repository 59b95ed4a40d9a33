"""Sockets are bound once, handed out as duplicates, and stay what they were when something cannot be bound."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.app.doors import Doors, duplicates
from proxy.app.passed import Name, name_of
from proxy.errors import SettingsError
from proxy.settings.load import from_mapping
from proxy.settings.model import Settings


@pytest.fixture
def doors() -> Iterator[Doors]:
    with closing(Doors()) as one:
        yield one


def settings(folder: Path, *listen: str, **more: Any) -> Settings:
    tree = {
        "listen": list(listen),
        "public_url": "https://app.example.com",
        "upstream": {"url": "http://127.0.0.1:3000"},
        "idps": [{"id": "corp", "issuer": "https://idp.example.com", "client_id": "a"}],
        "headers": {"user_claim": "sub"},
        **more,
    }
    return from_mapping(tree, folder=folder, environ={})


def test_equal_addresses_are_bound_once_for_all_generations(doors: Doors, tmp_path: Path) -> None:
    first = doors.open(settings(tmp_path, "127.0.0.1:0", "127.0.0.1:0"))
    names = [own.getsockname() for own in first.public]
    assert len(set(names)) == 2
    again = doors.open(settings(tmp_path, "127.0.0.1:0", "127.0.0.1:0"))
    assert [own.getsockname() for own in again.public] == names


def test_bound_is_not_yet_listening(doors: Doors, tmp_path: Path) -> None:
    (own,) = doors.open(settings(tmp_path, "127.0.0.1:0")).public
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(own.getsockname())


def test_who_waits_in_the_queue_is_there_for_the_next_who_serves(doors: Doors, tmp_path: Path) -> None:
    opened = doors.open(settings(tmp_path, "127.0.0.1:0"))
    (first,), (second,) = duplicates(opened.public), duplicates(opened.public)
    first.listen()
    with socket.create_connection(first.getsockname()) as waiting, second:
        first.close()
        accepted, _ = second.accept()
        accepted.sendall(b"here")
        accepted.close()
        assert waiting.recv(4) == b"here"


def test_a_name_with_two_addresses_is_bound_on_both(doors: Doors, tmp_path: Path) -> None:
    wanted = {info[4][:2] for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    bound = doors.open(settings(tmp_path, "localhost:0")).public
    assert {own.getsockname()[0] for own in bound} == {name for name, _ in wanted}


def test_when_one_is_taken_nothing_new_stays_and_nothing_old_goes(doors: Doors, tmp_path: Path) -> None:
    (own,) = doors.open(settings(tmp_path, "127.0.0.1:0")).public
    file = tmp_path / "m.sock"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        name = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match="redirect_http: cannot listen there"):
            doors.open(settings(tmp_path, "127.0.0.1:0", f"unix:{file}", redirect_http=name))
    assert not file.exists()
    assert own.fileno() >= 0


def test_what_is_not_named_any_more_is_closed(doors: Doors, tmp_path: Path) -> None:
    file = tmp_path / "m.sock"
    before = doors.open(settings(tmp_path, "127.0.0.1:0", f"unix:{file}")).public
    doors.keep(settings(tmp_path, "127.0.0.1:0"))
    assert [own.fileno() >= 0 for own in before] == [True, False]
    assert not file.exists()


def test_a_unix_socket_has_its_mode_and_a_left_behind_one_is_replaced(doors: Doors, tmp_path: Path) -> None:
    file = tmp_path / "m.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(file))
    doors.open(settings(tmp_path, f"unix:{file}", socket_mode="0622"))
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o622
    doors.open(settings(tmp_path, f"unix:{file}", socket_mode="0660"))
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o660


def test_a_served_unix_socket_and_any_other_file_are_left_alone(doors: Doors, tmp_path: Path) -> None:
    served, plain = tmp_path / "s.sock", tmp_path / "file"
    plain.write_text("precious")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(served))
        other.listen()
        for path in (served, plain):
            with pytest.raises(SettingsError, match="cannot listen there"):
                doors.open(settings(tmp_path, f"unix:{path}"))
    assert plain.read_text() == "precious"
    assert served.exists()


def test_somebody_elses_file_is_not_taken_away_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "m.sock"
    doors = Doors()
    doors.open(settings(tmp_path, f"unix:{file}"))
    file.rename(tmp_path / "old.sock")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(file))
        doors.close()
        assert file.exists()


def test_each_worker_gets_an_ops_socket(doors: Doors, tmp_path: Path) -> None:
    opened = doors.open(settings(tmp_path, "127.0.0.1:0", ops_listen="127.0.0.1:0", workers=2))
    assert len(opened.ops) == 2
    assert opened.ops[0][0].getsockname() != opened.ops[1][0].getsockname()


@pytest.fixture
def kept() -> Iterator[socket.socket]:
    """A supervisor's."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.setblocking(False)
        yield one


def passed_on(*sockets: socket.socket) -> dict[Name, socket.socket]:
    return {name_of(own): own.dup() for own in sockets}


def test_a_passed_socket_is_taken_instead_of_binding_one_and_outlives_us(
    kept: socket.socket, tmp_path: Path
) -> None:
    mine = settings(tmp_path, f"127.0.0.1:{kept.getsockname()[1]}", "127.0.0.1:0")
    with closing(Doors(passed_on(kept))) as doors:
        passed, own = doors.open(mine).public
        assert passed.getsockname() == kept.getsockname()
        assert own.getsockname() != kept.getsockname()
        doors.keep(settings(tmp_path, "127.0.0.1:0"))
        assert doors.open(mine).public[0].getsockname() == kept.getsockname(), "a reload may name it again"
    with socket.create_connection(kept.getsockname()):
        accepted, _ = kept.accept()
        accepted.close()


def test_a_passed_socket_that_no_setting_names_is_a_mistake_and_nothing_stays_bound(
    kept: socket.socket, tmp_path: Path
) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with closing(Doors(passed_on(kept))) as doors:
        with pytest.raises(SettingsError, match=f"127.0.0.1:{kept.getsockname()[1]}: this socket was passed"):
            doors.open(settings(tmp_path, f"127.0.0.1:{port}"))
        socket.create_server(("127.0.0.1", port)).close()


def test_a_passed_unix_socket_keeps_its_mode_and_its_file(tmp_path: Path) -> None:
    path = tmp_path / "muster.sock"
    with socket.socket(socket.AF_UNIX) as kept:
        kept.bind(str(path))
        kept.listen()
        path.chmod(0o777)
        with closing(Doors(passed_on(kept))) as doors:
            mine = settings(tmp_path, f"unix:{path}", socket_mode="0600")
            for _ in range(2):
                (own,) = doors.open(mine).public
                assert own.getsockname() == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o777
