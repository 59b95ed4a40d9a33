"""What an operator decided about the data plane: limits, deadlines and the upstream. All times in seconds, all sizes in bytes."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much and how long. `tick` is how exact a deadline is; `linger` how long a refused body is read and thrown away.

    `header_timeout` runs over a whole head, `body_timeout` and `write_timeout` from one progress to the next; under `min_rate`
    bytes a second over that time is no progress (None: one byte is).
    """

    header_timeout: float = 10.0
    body_timeout: float = 25.0
    idle_timeout: float = 75.0
    write_timeout: float = 25.0
    min_rate: int | None = 128
    drain_timeout: float = 20.0
    drain_idle: float = 5.0
    header_bytes: int = 32 * 1024
    header_count: int = 100
    body_bytes: int | None = None
    connections: int = 10_000
    connections_per_client: int | None = None
    tick: float = 0.5
    linger: float = 2.0

    @property
    def least_sent(self) -> int:
        """The bytes of a body that must come within `body_timeout`."""
        return int((self.min_rate or 0) * self.body_timeout)

    @property
    def least_read(self) -> int:
        """The bytes of an answer that must be taken within `write_timeout`."""
        return max(1, int((self.min_rate or 0) * self.write_timeout))


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsRules:
    """TLS to an upstream, which is always verified. Paths of PEM files; without `ca_file` the system's authorities count.

    `server_name` is asked for (SNI) and must stand in the certificate.
    """

    server_name: str
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRules:
    """The app's address and how long it may take. `connections` idle ones are kept, each for `keep_alive` at most.

    `keeps_host`: the app sees the client's Host; else `host_header`, or its own authority. `idle_timeout` runs between two
    parts of an answer, `down_for` from a failed connect to the next try. With `socket_path` a Unix socket is meant, and host and
    port mean nothing.
    """

    host: str
    port: int
    socket_path: str | None = None
    tls: TlsRules | None = None
    keeps_host: bool = True
    host_header: bytes | None = None
    connections: int = 256
    connect_timeout: float = 5.0
    first_byte_timeout: float = 60.0
    idle_timeout: float = 60.0
    keep_alive: float = 50.0
    down_for: float = 2.0
    header_bytes: int = 64 * 1024

    @property
    def authority(self) -> bytes:
        """The Host value of the app itself."""
        if self.host_header is not None:
            return self.host_header
        if self.socket_path is not None:
            return b"localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == (80 if self.tls is None else 443)
        return (host if is_usual else f"{host}:{self.port}").encode("idna" if not host.isascii() else "ascii")

    @property
    def name(self) -> str:
        """As log and operators call it."""
        if self.socket_path is not None:
            return f"unix://{self.socket_path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}"


OWN_PAGES: Final = UpstreamRules(host="", port=0)
"""How long our own pages may take: as a usual app, whatever holds for the operator's."""
