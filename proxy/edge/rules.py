"""What an operator decided about the data plane: limits, deadlines and the upstream. All times in seconds, all sizes in bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much and how long. `tick` is how exact a deadline is; `linger` how long a refused body is read and thrown away.

    `header_timeout` runs over a whole head, `body_timeout` and `write_timeout` from one progress to the next.
    """

    header_timeout: float = 10.0
    body_timeout: float = 30.0
    idle_timeout: float = 75.0
    write_timeout: float = 30.0
    drain_timeout: float = 20.0
    header_bytes: int = 32 * 1024
    header_count: int = 100
    body_bytes: int | None = None
    connections: int = 10_000
    tick: float = 0.5
    linger: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRules:
    """The app's address and how long it may take. `connections` idle ones are kept, each for `keep_alive` at most.

    `keeps_host`: the app sees the client's Host; else its own authority. `idle_timeout` runs between two parts of an answer.
    """

    host: str
    port: int
    keeps_host: bool = True
    connections: int = 256
    connect_timeout: float = 5.0
    first_byte_timeout: float = 60.0
    idle_timeout: float = 60.0
    keep_alive: float = 50.0
    header_bytes: int = 64 * 1024

    @property
    def authority(self) -> bytes:
        """The Host value of the app itself."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == 80 else f"{host}:{self.port}").encode(
            "idna" if not host.isascii() else "ascii"
        )
