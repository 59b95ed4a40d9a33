"""Any bytes at all against the edge: `python -m proof.fuzz [1000000]` plays `tests/laws/test_head_fuzz.py` that often.

In chunks, each with a seed of its own (FUZZ_SEED, counted up), so that a run that was stopped goes on where it was: what held is
written to `proof/out/fuzz.json`, under the digest of the code it held for. Exit 1 at the first input that breaks the law; its
seed and number are printed, and stay the same.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DONE = ROOT / "proof" / "out" / "fuzz.json"
LAW = "tests/laws/test_head_fuzz.py"
CHUNK = 20_000


def digest() -> str:
    """Of everything that a run depends on: other code, other inputs."""
    files = [ROOT / LAW, *(ROOT / "proxy").rglob("*.py"), *(ROOT / "tests" / "fakes").glob("*.py")]
    joined = hashlib.sha256()
    for file in sorted(files):
        joined.update(file.read_bytes())
    return joined.hexdigest()[:16]


def chunks(inputs: int, first_seed: int) -> dict[int, int]:
    """Seed → inputs."""
    whole, rest = divmod(inputs, CHUNK)
    sizes = [CHUNK] * whole + [rest] * (rest > 0)
    return {first_seed + number: size for number, size in enumerate(sizes)}


def held(code: str) -> dict[int, int]:
    """The chunks that held for this very code."""
    if not DONE.exists():
        return {}
    known = json.loads(DONE.read_text())
    return {int(seed): size for seed, size in known["chunks"].items()} if known["code"] == code else {}


def note(code: str, done: dict[int, int]) -> None:
    DONE.parent.mkdir(exist_ok=True)
    fresh = DONE.with_suffix(".new")
    fresh.write_text(json.dumps({"code": code, "chunks": done}))
    fresh.replace(DONE)


def play(seed: int, inputs: int, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """One chunk, in the tree at `root`, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-x", LAW],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "FUZZ": str(inputs), "FUZZ_SEED": str(seed)},
        capture_output=True,
        text=True,
        check=False,
    )


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    inputs = int(argv[0]) if argv else 1_000_000
    code, started = digest(), time.monotonic()
    done = held(code)
    asked = chunks(inputs, int(os.environ.get("FUZZ_SEED", "1")))
    left = {seed: size for seed, size in asked.items() if done.get(seed, 0) < size}
    if len(left) < len(asked):
        print(f"{sum(asked.values()) - sum(left.values())} of {inputs} inputs held before, for the same code")
    for seed, size in left.items():
        run = play(seed, size)
        if run.returncode != 0:
            print(run.stdout[-4000:] + run.stderr[-1000:])
            print(f"again: FUZZ={size} FUZZ_SEED={seed} python -m pytest {LAW}", file=sys.stderr)
            return 1
        done[seed] = size
        note(code, done)
        print(f"seed {seed}: {size} inputs, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{inputs} inputs held (code {code})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
