"""A secret is referred to, never written; its file is read again when it changes; nothing shows it."""

import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from proxy.settings.secrets import SecretRef, parse_secret, read_secret
from proxy.settings.section import Reading
from tests.fakes.configurations import IDP, settings_of


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    return path


def where(folder: Path, **environ: str) -> Reading:
    return Reading(folder=folder, environ=environ)


def test_a_file_is_found_beside_the_configuration(secret_file: Path) -> None:
    ref = parse_secret({"file": "secret.txt"}, where(secret_file.parent))
    assert ref.file == secret_file
    assert ref.reader()() == "hunter2"


def test_a_variable_is_read_at_start(tmp_path: Path) -> None:
    assert parse_secret({"env": "IDP_SECRET"}, where(tmp_path, IDP_SECRET=" s3cret ")).reader()() == "s3cret"


def test_a_plain_secret_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\{file: PATH\}") as caught:
        parse_secret("hunter2", where(tmp_path))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{}, {"file": "a", "env": "B"}, {"file": ""}, {"path": "a"}, {"file": 3}, {"env": None}]
)
def test_exactly_one_of_file_and_env(wrong: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        parse_secret(wrong, where(tmp_path))


def test_a_missing_file_is_a_sentence_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"there is no secret file {tmp_path}/gone"):
        parse_secret({"file": "gone"}, where(tmp_path))


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        parse_secret({"file": "."}, where(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"one\ntwo\n", "more than one line"),
        (b"a\x00b", "more than one line"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * 70_000, "larger than 64 KiB"),
    ],
    ids=["empty", "blank", "two lines", "NUL", "not text", "huge"],
)
def test_a_file_that_holds_no_secret_is_a_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        parse_secret({"file": "s"}, where(tmp_path))


def test_an_unset_or_empty_variable_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="IDP_SECRET is not set"):
        parse_secret({"env": "IDP_SECRET"}, where(tmp_path))
    with pytest.raises(ValueError, match="IDP_SECRET is empty"):
        parse_secret({"env": "IDP_SECRET"}, where(tmp_path, IDP_SECRET=""))


def test_a_rotated_file_is_read_again(secret_file: Path) -> None:
    read = SecretRef(file=secret_file).reader()
    assert read() == "hunter2"
    secret_file.write_text("correct horse")
    assert read() == "correct horse"


def test_a_file_replaced_by_another_of_the_same_size_and_time_is_read_again(secret_file: Path) -> None:
    read = SecretRef(file=secret_file).reader()
    status = secret_file.stat()
    other = secret_file.with_name("new")
    other.write_text("hunter3\n")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(secret_file)
    assert read() == "hunter3"


def test_half_a_rotation_keeps_the_last_good_secret(secret_file: Path) -> None:
    read = SecretRef(file=secret_file).reader()
    secret_file.write_text("")
    assert read() == "hunter2"
    secret_file.unlink()
    assert read() == "hunter2"
    secret_file.write_text("whole again")
    assert read() == "whole again"


def test_a_file_that_did_not_change_is_not_opened_again(secret_file: Path) -> None:
    status = secret_file.stat()
    read = SecretRef(file=secret_file).reader()
    secret_file.write_bytes(b"HUNTER2\n")
    os.utime(secret_file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert read() == "hunter2"


def test_a_reader_that_cannot_begin_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        SecretRef(file=tmp_path / "gone").reader()


def test_nothing_shows_the_secret(secret_file: Path) -> None:
    in_environment = SecretRef(env="NAME", value="hunter2")
    in_file = SecretRef(file=secret_file)
    for shown in (repr(in_environment), str(in_environment), repr(in_file), repr(in_file.reader())):
        assert "hunter2" not in shown


def test_a_dump_of_the_settings_names_where_it_stands(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"S": "hunter2"}, idps=[{**IDP, "client_secret": {"env": "S"}}])
    assert settings.idps[0].model_dump()["client_secret"] == "S"


def test_a_file_that_everybody_may_read_is_noticed(secret_file: Path) -> None:
    assert not SecretRef(file=secret_file).is_open_to_others()
    secret_file.chmod(0o644)
    assert SecretRef(file=secret_file).is_open_to_others()
    assert not SecretRef(env="NAME", value="x").is_open_to_others()


def test_a_secret_is_read_without_the_white_space_around_it(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"\n  pass phrase \r\n")
    assert read_secret(tmp_path / "s") == "pass phrase"


def test_the_schema_offers_both_ways() -> None:
    from proxy.settings.secrets import Secret

    schema = TypeAdapter(Secret).json_schema()
    assert [branch["required"] for branch in schema["anyOf"]] == [["file"], ["env"]]


KEY_TEXT = "-----BEGIN PRIVATE KEY-----\nMIIB\n\tx\n-----END PRIVATE KEY-----"


def test_only_a_document_may_have_several_lines(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(f"\n{KEY_TEXT}\r\n")
    ref = parse_secret({"file": "key.pem"}, where(tmp_path), is_document=True)
    assert ref.reader()() == KEY_TEXT
    assert (
        parse_secret({"env": "KEY"}, where(tmp_path, KEY=KEY_TEXT), is_document=True).reader()() == KEY_TEXT
    )
    with pytest.raises(ValueError, match="more than one line"):
        parse_secret({"file": "key.pem"}, where(tmp_path))
    with pytest.raises(ValueError, match="more than one line"):
        parse_secret({"env": "KEY"}, where(tmp_path, KEY=KEY_TEXT))


def test_a_document_that_changes_is_read_again_as_one(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(KEY_TEXT)
    reader = parse_secret({"file": "key.pem"}, where(tmp_path), is_document=True).reader()
    file.write_text(KEY_TEXT + "\nmore")
    assert reader() == KEY_TEXT + "\nmore"


@pytest.mark.parametrize(("text", "message"), [("\n \n", "is empty"), ("a\x00b", "control characters")])
def test_a_document_holds_text(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(text)
    with pytest.raises(ValueError, match=message):
        parse_secret({"file": "key.pem"}, where(tmp_path), is_document=True)
