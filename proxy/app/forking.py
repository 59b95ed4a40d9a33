"""Worker processes as their parent sees them: forked, told, reaped. No thread runs in a parent, so a fork is a whole copy."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from proxy.app.worker import Seat

Work: TypeAlias = Callable[[Seat], int]
"""What a worker does; its exit code. It raises nothing."""

HEARD: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(slots=True)
class Worker:
    """A child. `ready` is the end to hear it from, None once it was heard; then `serves` is what it said."""

    pid: int
    number: int
    ready: int | None
    started_at: float
    serves: bool = False

    def tell(self, what: signal.Signals) -> None:
        """It is not reaped yet, so the id is still its own."""
        os.kill(self.pid, what)

    def heard(self) -> bool:
        """Whether it says that it serves; False when it is gone instead."""
        assert self.ready is not None, "heard once"
        said = os.read(self.ready, 1)
        os.close(self.ready)
        self.ready = None
        self.serves = said != b""
        return self.serves

    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal. Reaps it: ask no more."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        if self.ready is not None:
            os.close(self.ready)
            self.ready = None
        return os.waitstatus_to_exitcode(status)


class Signals:
    """What the parent is told, in order; `fileno` becomes readable. Closed, the process hears signals as before."""

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        for end in (self._reads, self._writes):
            os.set_blocking(end, False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in HEARD}
        signal.set_wakeup_fd(self._writes, warn_on_full_buffer=False)

    def fileno(self) -> int:
        return self._reads

    def taken(self) -> bytes:
        """The numbers of the signals that came."""
        try:
            return os.read(self._reads, 4096)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reads)
        os.close(self._writes)


def fork(seat: Callable[[int], Seat], parent_end: int, work: Work, now: float) -> Worker:
    """A worker that runs `work`. `seat` is called with the end to say ready on; `parent_end` is the lifeline's other end.

    Raises OSError when the machine has no room for another process: then nothing is left of the attempt.
    """
    reads, writes = os.pipe()
    made = seat(writes)
    # A signal between the fork and the child's own handlers must not be taken by the parent's.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reads)
        os.close(writes)
        raise
    if pid == 0:
        os.close(reads)
        os.close(parent_end)
        _become_child(before)
        os._exit(_done(work, made))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(writes)
    return Worker(pid, made.number, reads, now)


def _become_child(mask: set[signal.Signals] | set[int]) -> None:
    signal.set_wakeup_fd(-1)
    for number in HEARD:
        signal.signal(number, signal.SIG_DFL)
    # A reload is the parent's business, also when a whole group is told.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _done(work: Work, seat: Seat) -> int:
    try:
        code = work(seat)
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return 1
    return code
