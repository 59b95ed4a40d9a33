"""The key file: one AES-256 key a line, base64url; the first seals, all open. Lines that start with `#` are comments.

Made with mode 0600 when absent. A file that anybody but its owner can read is refused: who holds a key and a copy of the
store holds everybody's tokens. One owned by root may be readable by its group, as a mounted secret is (PostgreSQL has the
same rule for its server key). `muster keys` rotates it, and a running server follows (`proxy/app/keys.py`).
"""

import contextlib
import os
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Final

from proxy.errors import Problem, SettingsError
from proxy.session.codec import KEY_BYTES, KeyRing, SealingKey

_SETTING: Final = "keys_file"
_HEAD: Final = "# Muster's sealing keys: the first seals, all open. Keep this file secret and keep a copy.\n"
_MAX_BYTES: Final = 64 * 1024


def load_keyring(path: Path) -> KeyRing:
    """The ring in the file, which is made when absent. Raises SettingsError with a sentence for the operator."""
    try:
        _create_when_absent(path)
    except OSError as error:
        raise _refusal(f"cannot read or make the key file {path}: {_why(error)}") from error
    return read_keyring(path)


def read_keyring(path: Path) -> KeyRing:
    """The ring in a file that is there. Raises SettingsError; never makes a key."""
    try:
        text = _read_private(path)
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(f"cannot read or make the key file {path}: {_why(error)}") from error
    keys = tuple(
        _parse(path, number, line) for number, line in enumerate(text.splitlines(), 1) if _is_key(line)
    )
    if not keys:
        raise _refusal(f"the key file {path} holds no key; remove the file to have a new one made")
    return KeyRing(keys=keys)


def write_keyring(path: Path, ring: KeyRing) -> None:
    """Put these keys into the file in one step: a reader has all of before or all of after. Raises SettingsError."""
    text = _HEAD + "".join(new_key_line(key.secret) + "\n" for key in ring.keys)
    try:
        partial = _write_aside(path, text)
        os.replace(partial, path)
        _make_durable(path.parent)
    except OSError as error:
        raise _refusal(f"cannot write the key file {path}: {_why(error)}") from error


def new_key_line(entropy: bytes) -> str:
    """A key as the file spells it, out of 32 random bytes."""
    return urlsafe_b64encode(entropy).decode("ascii")


def _create_when_absent(path: Path) -> None:
    """Linked into place complete: a second process never sees half a file, and never replaces the first one's key."""
    if path.exists():
        return
    partial = _write_aside(path, _HEAD + new_key_line(os.urandom(KEY_BYTES)) + "\n")
    try:
        _link_unless_taken(partial, path)
    finally:
        partial.unlink()
        _make_durable(path.parent)


def _write_aside(path: Path, text: str) -> Path:
    """A private file beside it that holds the text, flushed to the disk."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return partial


def _link_unless_taken(partial: Path, path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        os.link(partial, path)


def _make_durable(folder: Path) -> None:
    """The new name survives a power cut: what is sealed before one must open after it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_private(path: Path) -> str:
    """The text; checks the opened file, not the name, so that nobody can swap it in between."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(f"the key file {path} is not a regular file")
        if status.st_mode & _forbidden_mode(status):
            raise _refusal(
                f"the key file {path} is open to others (mode {stat.S_IMODE(status.st_mode):04o}); run: chmod 600 {path}"
            )
        return file.read(_MAX_BYTES).decode("ascii")


def _forbidden_mode(status: os.stat_result) -> int:
    is_mounted_secret = status.st_uid == 0 and os.geteuid() != 0
    return 0o037 if is_mounted_secret else 0o077


def _is_key(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _parse(path: Path, number: int, line: str) -> SealingKey:
    """The key; a line that is none is named by its number alone, never shown."""
    try:
        return SealingKey(secret=urlsafe_b64decode(line.strip()))
    except ValueError as error:
        raise _refusal(
            f"line {number} of the key file {path} is not a key (32 bytes in base64url)"
        ) from error


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "it cannot be read") if isinstance(error, OSError) else "it is not a text file"


def _refusal(message: str) -> SettingsError:
    return SettingsError((Problem(path=_SETTING, line=None, message=message),))
