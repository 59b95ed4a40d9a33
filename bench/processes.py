"""CPU and memory of a proxy's processes, from proc(5)."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def family(roots: Sequence[int], parents: Iterable[tuple[int, int]]) -> set[int]:
    """The processes and all that descend from them; `parents` are pairs of (process, its parent)."""
    known, pairs = set(roots), list(parents)
    while more := {child for child, parent in pairs if parent in known} - known:
        known |= more
    return known


def stat_fields(text: str) -> list[str]:
    """Field 3 (state) and those after it of `/proc/PID/stat`, whatever the command's name holds."""
    return text.rpartition(")")[2].split()


def cpu_ticks(fields: Sequence[str]) -> int:
    """User and system time (fields 14 and 15), and that of children which ended (16 and 17)."""
    return sum(map(int, fields[11:15]))


def _stats(pids: Iterable[int]) -> Iterable[tuple[int, list[str]]]:
    for pid in pids:
        try:
            yield pid, stat_fields(Path(f"/proc/{pid}/stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue


def _living() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def members(roots: Sequence[int]) -> set[int]:
    """The roots and their descendants now."""
    return family(roots, ((pid, int(fields[1])) for pid, fields in _stats(_living())))


def cpu_seconds(roots: Sequence[int]) -> float:
    """CPU time of the process trees so far."""
    return sum(cpu_ticks(fields) for _, fields in _stats(members(roots))) / TICKS


def rss_mib(roots: Sequence[int]) -> float:
    """Resident memory of the process trees now; pages that processes share count for each."""
    return sum(int(fields[21]) for _, fields in _stats(members(roots))) * PAGE / 2**20
