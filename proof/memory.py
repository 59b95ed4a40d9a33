"""What the kernel says of a process's memory, in MiB (proc(5))."""

import re
from pathlib import Path


def resident_mib(pid: int) -> float:
    """What it holds in memory now."""
    return _mib(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    """The most it has held."""
    return _mib(pid, "VmHWM")


def _mib(pid: int, name: str) -> float:
    match = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if match is None:
        raise RuntimeError(f"this kernel does not tell {name}")
    return int(match[1]) / 1024
