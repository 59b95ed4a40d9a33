"""wrk as a closed-loop generator: so many connections, each with one request under way."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import Load
from bench.targets import Target

_DONE = """
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "micros": %d, "errors": [%d, %d, %d, %d, %d], "p50": %.1f, "p99": %.1f, "p999": %.1f}\\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""
_POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("x", 1024)
"""
_FRESH = """
local number = 0
request = function()
  number = number + 1
  return wrk.format("GET", "/fresh/1k?n=" .. number)
end
"""


_PATIENCE: Final = "30s"
"""A late answer is a latency, not a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What every request is. `is_fresh`: no request line comes twice, and the upstream gives every answer a head of its own."""

    path: str = "/1k"
    connections: int = 64
    is_post: bool = False
    is_fresh: bool = False
    is_closing: bool = False

    def script(self) -> str:
        """What wrk runs."""
        return (_POST if self.is_post else "") + (_FRESH if self.is_fresh else "") + _DONE


def read_report(output: str) -> Load:
    """From the line that the script writes last. ValueError, with the output, when a request failed or nothing was answered."""
    line = output.strip().rpartition("\n")[2]
    try:
        said = json.loads(line)
    except json.JSONDecodeError:
        raise ValueError(f"wrk said something unexpected: {output}") from None
    if any(said["errors"]) or not said["requests"]:
        raise ValueError(
            f"requests failed (connect, read, write, status, time-out: {said['errors']}): {output}"
        )
    return Load(
        requests=said["requests"],
        seconds=said["micros"] / 1e6,
        p50_ms=said["p50"] / 1000,
        p99_ms=said["p99"] / 1000,
        p999_ms=said["p999"] / 1000,
    )


def run(target: Target, shape: Shape, seconds: float, directory: Path) -> Load:
    """One run of whole seconds. ValueError when an answer was not 2xx or a connection failed: that is no measurement."""
    script = directory / "wrk.lua"
    script.write_text(shape.script())
    command = ["wrk", "-t1", f"-c{shape.connections}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
    command += ["--timeout", _PATIENCE]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    if shape.is_closing:
        command += ["-H", "Connection: close"]
    output = subprocess.run(
        [*command, target.at(shape.path)], capture_output=True, text=True, check=True
    ).stdout
    return read_report(output)
