"""What a server says about itself: whether it can be ours at all, and what an operator should know about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proxy.storage.redis.connecting import Command

OLDEST: Final = (7, 0)
QUESTIONS: Final[tuple[Command, ...]] = tuple(
    ("INFO", section) for section in ("server", "persistence", "memory", "replication")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """The server by name and version; whether it may throw records away; whether it keeps them over a restart."""

    name: str
    version: str
    eviction: str
    has_aof: bool
    is_aof_written: bool
    replicas: int

    @property
    def is_too_old(self) -> bool:
        parts = tuple(int(part) for part in self.version.split(".")[:2] if part.isdigit())
        return parts < OLDEST


def state_of(answers: list[bytes]) -> ServerState:
    """From the answers to `QUESTIONS`."""
    said = _fields(b"\r\n".join(answers).decode(errors="replace"))
    name = "Valkey" if "valkey_version" in said else "Redis"
    return ServerState(
        name=name,
        version=said.get(f"{name.lower()}_version", "0"),
        eviction=said.get("maxmemory_policy", ""),
        has_aof=said.get("aof_enabled") == "1",
        is_aof_written=said.get("aof_last_write_status", "ok") == "ok",
        replicas=int(said.get("connected_slaves", "0")),
    )


def _fields(text: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in pairs if colon}
