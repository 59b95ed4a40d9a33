"""Programs for tests of processes: a fork belongs into a process that has no other threads."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SECONDS = 60.0

SETTINGS = """
import os, signal, sys, time
from pathlib import Path
from proxy.settings.load import from_mapping

def settings(workers, **more):
    tree = {
        "listen": "127.0.0.1:0",
        "public_url": "https://app.example.com",
        "upstream": {"url": "http://127.0.0.1:3000"},
        "idps": [{"id": "corp", "issuer": "https://idp.example.com", "client_id": "a"}],
        "headers": {"user_claim": "sub"},
        "workers": workers,
        **more,
    }
    return from_mapping(tree, folder=Path("."), environ={})
"""


def played(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs to its end, and takes along whom it forked. A child that is left would hold a pipe: the output goes to files."""
    argv = [sys.executable, "-c", SETTINGS + script]
    written = folder / "played.out", folder / "played.err"
    with written[0].open("w") as out, written[1].open("w") as err:
        parent = subprocess.Popen(
            argv,
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            process_group=0,
        )
        try:
            code = parent.wait(SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(parent.pid, signal.SIGKILL)
            parent.wait(10)
    return subprocess.CompletedProcess(argv, code, *(file.read_text() for file in written))
