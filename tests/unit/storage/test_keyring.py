"""The key file: made for its owner alone, refused when others can read it, never shown."""

import os
import stat
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.keyring import load_keyring, new_key_line, read_keyring, write_keyring

FIRST, SECOND = b"1" * 32, b"2" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "muster.keys"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="ascii")
    path.chmod(mode)


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_keyring(path)
    assert [problem.path for problem in caught.value.problems] == ["keys_file"]
    return str(caught.value)


def test_an_absent_file_is_made_for_its_owner_alone_and_holds_one_random_key(
    path: Path, tmp_path: Path
) -> None:
    ring = load_keyring(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(ring.keys) == 1
    assert ring != load_keyring(tmp_path / "another.keys")


def test_the_file_is_made_so_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        load_keyring(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_file_gives_the_same_ring_and_nothing_else_is_left_in_the_folder(path: Path) -> None:
    assert load_keyring(path) == load_keyring(path)
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_start_together_agree_on_one_key(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(load_keyring, [path] * 16))
    assert len({ring.keys for ring in rings}) == 1


def test_the_first_line_seals_and_all_open(path: Path) -> None:
    write(path, f"# newest first\n{new_key_line(SECOND)}\n\n  {new_key_line(FIRST)}  \n")
    assert load_keyring(path).keys == (SealingKey(secret=SECOND), SealingKey(secret=FIRST))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o620])
def test_a_file_that_is_open_to_others_is_refused_with_what_to_do(path: Path, mode: int) -> None:
    write(path, new_key_line(FIRST), mode)
    message = refusal(path)
    assert f"mode {mode:04o}" in message
    assert f"chmod 600 {path}" in message


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_its_owner_can_read_is_accepted(path: Path, mode: int) -> None:
    write(path, new_key_line(FIRST), mode)
    assert load_keyring(path).keys == (SealingKey(secret=FIRST),)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_a_file_without_a_key_is_refused(path: Path, text: str) -> None:
    write(path, text)
    assert "holds no key" in refusal(path)


@pytest.mark.parametrize(
    "line",
    ["sesame-open", "A", urlsafe_b64encode(b"x" * 16).decode(), urlsafe_b64encode(b"x" * 33).decode(), "!!!"],
)
def test_a_line_that_is_no_key_is_named_by_its_number_and_not_shown(path: Path, line: str) -> None:
    write(path, f"{new_key_line(FIRST)}\n{line}\n")
    message = refusal(path)
    assert "line 2" in message
    assert line not in message.replace(str(path), "")


def test_a_file_that_is_not_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)
    assert "not a text file" in refusal(path)


def test_an_unreachable_folder_is_a_sentence(tmp_path: Path) -> None:
    assert "No such file or directory" in refusal(tmp_path / "nowhere" / "muster.keys")


def test_a_folder_in_the_files_place_is_refused(path: Path) -> None:
    path.mkdir()
    assert str(path) in refusal(path)


def test_no_key_shows_in_the_ring(path: Path) -> None:
    ring = load_keyring(path)
    key = path.read_text(encoding="ascii").splitlines()[-1]
    assert key not in repr(ring)
    assert repr(ring.keys[0].secret) not in repr(ring)


def test_reading_again_never_makes_a_key(path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_keyring(path)
    assert not path.exists()


def test_written_keys_are_read_back_in_their_order_and_for_their_owner_alone(path: Path) -> None:
    load_keyring(path)
    ring = KeyRing(keys=(SealingKey(secret=SECOND), SealingKey(secret=FIRST)))
    write_keyring(path, ring)
    assert read_keyring(path) == ring
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot write the key file"):
        write_keyring(tmp_path / "absent" / "muster.keys", KeyRing(keys=(SealingKey(secret=FIRST),)))
