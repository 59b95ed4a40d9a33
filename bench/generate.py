"""Our own generators, each run in a process of its own: `python -m bench.generate KIND JSON` prints a Load as JSON.

A process of its own, so that nothing else of the measurement's Python stands between a socket and the clock.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from bench.bulk import down, up
from bench.figures import Load
from bench.rounds import at_rate, echoes
from bench.targets import ROOT, Target
from bench.wire import Failed, Place

KINDS: Final[Mapping[str, Callable[..., Load]]] = {
    "echoes": echoes,
    "at_rate": at_rate,
    "down": down,
    "up": up,
}


def run(kind: str, target: Target, **arguments: Any) -> Load:
    """One run against a target. ValueError, in the generator's words, when it failed."""
    asked = {"port": target.port, "headers": target.headers, "arguments": arguments}
    command = [sys.executable, "-m", "bench.generate", kind, json.dumps(asked)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"{kind}: {done.stderr.strip()}")
    return Load(**json.loads(done.stdout))


def main() -> int:
    """0 after a whole run; 1, and why, otherwise."""
    kind, asked = sys.argv[1], json.loads(sys.argv[2])
    gc.disable()  # a collection would be a late answer of our own making
    place = Place(port=asked["port"], headers=asked["headers"])
    try:
        load = KINDS[kind](place, **asked["arguments"])
    except (Failed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(asdict(load)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
