"""What the fuzzer is worth: `python -m proof.planted [NAME…]` plants one fault after another, and each must be found.

Every fault is a line of the head parser or the exchange that says something else, in a copy of the tree; the fuzzer plays there
(`proof.fuzz`). Exit 1 when one is not found within INPUTS, or when the line it changes is no longer there.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.fuzz import ROOT, play

INPUTS = 50_000
"""As many as `make test` plays."""

SEED = 20240229
COPIED = ("proxy", "tests", "config", "pyproject.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`right` stands in `file` once, and becomes `wrong`."""

    name: str
    file: str
    right: str
    wrong: str


FAULTS = (
    # The head parser.
    Fault(
        name="a Host of any shape passes",
        file="proxy/edge/head.py",
        right="if not _HOST.fullmatch(value):",
        wrong="if not value:",
    ),
    Fault(
        name="of two Hosts the first counts",
        file="proxy/edge/head.py",
        right="if values is not None and len(values) != 1:",
        wrong="if values is not None and not values:",
    ),
    Fault(
        name="a control or a # in the target passes",
        file="proxy/edge/target.py",
        right="if _REFUSED.search(raw):",
        wrong="if False and _REFUSED.search(raw):",
    ),
    Fault(
        name="CONNECT passes",
        file="proxy/edge/head.py",
        right='b"GET HEAD POST',
        wrong='b"CONNECT GET HEAD POST',
    ),
    Fault(
        name="a chunked body is forwarded as an empty one",
        file="proxy/edge/head.py",
        right="return CHUNKED\n",
        wrong="return 0\n",
    ),
    Fault(
        name="only the usual spelling of our fields is taken out",
        file="proxy/gate/fields.py",
        right="return name.translate(_FOLD)",
        wrong="return name.lower()",
    ),
    Fault(
        name="hop-by-hop fields cross",
        file="proxy/gate/fields.py",
        right="self._dropped = HOP_BY_HOP | _DECIDED_BY_US",
        wrong="self._dropped = _DECIDED_BY_US",
    ),
    Fault(
        name="the client's Content-Length crosses beside ours",
        file="proxy/gate/fields.py",
        right='frozenset((b"host", b"content-length", b"expect"))',
        wrong='frozenset((b"host", b"expect"))',
    ),
    Fault(
        name="anybody is believed about the client's address",
        file="proxy/edge/trust.py",
        right="if not self._networks:\n            return False",
        wrong="if not self._networks:\n            return True",
    ),
    Fault(
        name="trailers are taken for fields",
        file="proxy/edge/client.py",
        right="if not self._has_head:\n            self._headers.append((name, value))",
        wrong="self._headers.append((name, value))",
    ),
    Fault(
        name="what a PROXY header claims is not looked at",
        file="proxy/edge/preamble.py",
        right="except ValueError:\n        return None\n    return str(address)",
        wrong="except ValueError:\n        return text\n    return str(address)",
    ),
    Fault(
        name="an entry of X-Forwarded-For that is no address goes on",
        file="proxy/edge/trust.py",
        right="    except ValueError:\n        return None\n",
        wrong="    except ValueError:\n        return text\n",
    ),
    # The exchange.
    Fault(
        name="a body is cut at its first part",
        file="proxy/edge/exchange.py",
        right='data = parts[0] if len(parts) == 1 else b"".join(parts)',
        wrong="data = parts[0]",
    ),
    Fault(
        name="a chunk of no bytes ends a body early",
        file="proxy/edge/exchange.py",
        right='data = (chunk(data) if data else b"") + (LAST_CHUNK if is_done else b"")',
        wrong='data = chunk(data) + (LAST_CHUNK if is_done else b"")',
    ),
    Fault(
        name="a broken answer that began is ended as if it were whole",
        file="proxy/edge/ending.py",
        right="self._fail(502, Reason.BAD_UPSTREAM_ANSWER)\n        else:\n            self.client.abort()",
        wrong="self._fail(502, Reason.BAD_UPSTREAM_ANSWER)\n        else:\n            self.client._close()",
    ),
    Fault(
        name="an answer that the app reset counts as whole",
        file="proxy/edge/exchange.py",
        right="if self._framing is not None and self._framing[2] and is_clean:",
        wrong="if self._framing is not None and self._framing[2]:",
    ),
    Fault(
        name="an answer that ended early counts as whole",
        file="proxy/edge/exchange.py",
        right="if self._framing is not None and self._framing[2] and is_clean:",
        wrong="if self._framing is not None and is_clean:",
    ),
    Fault(
        name="a 1xx is taken for the answer",
        file="proxy/edge/upstream.py",
        right="if status < 200 and not (self.takes_upgrade and status == SWITCHING):",
        wrong="if status < 100 and not (self.takes_upgrade and status == SWITCHING):",
    ),
    Fault(
        name="a 101 that nobody asked for passes",
        file="proxy/edge/exchange.py",
        right="if not upstream.is_upgraded or key is None or not is_agreed(key, upstream.headers):",
        wrong="if key is None:",
    ),
    Fault(
        name="a connection is used again after a broken answer",
        file="proxy/edge/upstream.py",
        right="            and not self.is_faulty\n            and not self._is_eof\n",
        wrong="",
    ),
    Fault(
        name="the body of an answer to HEAD is the next answer",
        file="proxy/edge/upstream.py",
        right="        if start < len(data):\n            self.is_faulty = True\n",
        wrong="",
    ),
    Fault(
        name="the app sets our cookie",
        file="proxy/gate/fields.py",
        right="(self._cookie is None or not sets_cookie(field[1], self._cookie))",
        wrong="True",
    ),
    Fault(
        name="the app's chunks are passed on without their lengths",
        file="proxy/edge/exchange.py",
        right='return (chunk(body) if body else b"") + (LAST_CHUNK if upstream.is_complete else b"")',
        wrong='return body + (LAST_CHUNK if upstream.is_complete else b"")',
    ),
    Fault(
        name="a request in 1.0 is answered in chunks",
        file="proxy/edge/answer.py",
        right='return (CHUNKED, _CHUNKED_LINE, ends_by_eof) if takes_chunks else (UNTIL_CLOSE, b"", ends_by_eof)',
        wrong="return CHUNKED, _CHUNKED_LINE, ends_by_eof",
    ),
)


def is_found(fault: Fault, folder: Path, inputs: int = INPUTS) -> bool:
    """Whether the fuzzer stumbles in a copy with this fault. ValueError when the fault cannot be planted."""
    planted = plant(fault, folder)
    run = play(SEED, inputs, planted)
    return run.returncode == 1 and "AssertionError: input " in run.stdout


def plant(fault: Fault, folder: Path) -> Path:
    """A copy of the tree, with the fault."""
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / name)
    file = folder / fault.file
    text = file.read_text()
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.name}: {fault.file} no longer holds {fault.right!r} once")
    file.write_text(text.replace(fault.right, fault.wrong))
    return folder


def main(argv: Sequence[str]) -> int:
    """0 when each was found."""
    missed = 0
    for fault in FAULTS:
        if argv and fault.name not in argv:
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="muster-proof-") as folder:
            found = is_found(fault, Path(folder))
        missed += not found
        print(
            f"{'found' if found else 'MISSED'} after {time.monotonic() - started:.0f} s: {fault.name}",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
