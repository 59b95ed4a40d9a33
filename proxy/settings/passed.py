"""Which descriptors whoever started us passed on: the protocol of sd_listen_fds(3), spoken by systemd and other supervisors."""

from collections.abc import Mapping
from typing import Final

from proxy.errors import Problem, SettingsError

FIRST: Final = 3
"""SD_LISTEN_FDS_START."""
MOST: Final = 64


def passed_descriptors(environ: Mapping[str, str], pid: int) -> range:
    """Those for the process `pid`; none when they are meant for another one. Raises SettingsError for a count that is none."""
    if environ.get("LISTEN_PID", "") != str(pid):
        return range(0)
    count = environ.get("LISTEN_FDS", "0")
    if not (count.isascii() and count.isdigit()) or int(count) > MOST:
        message = f"this is not a number of passed sockets (0 to {MOST}); whoever starts Muster sets it"
        raise SettingsError((Problem(path="LISTEN_FDS", line=None, message=message),))
    return range(FIRST, FIRST + int(count))
