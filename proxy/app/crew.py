"""The parent of several workers: holds the sockets, forks, restarts who died, and serves nobody itself.

    begin ─▶ coming ─all serve─▶ current ─reload─▶ coming beside current ─all serve─▶ the old ones leave
                └─one ends─▶ exit                       └─one ends─▶ the new ones are stopped, nothing changed

The first worker of a team begins alone: it makes the keys and the store, the others find them. Then the rest. A worker that ends
while it should serve is forked again after a pause that doubles. All accept from the same queue (`doors`), so a worker that dies
takes down its own connections and nobody else's.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from proxy.app import rules
from proxy.app.doors import Doors, Opened
from proxy.app.forking import Signals, Work, Worker, fork
from proxy.app.passed import NONE, Name
from proxy.app.serve import REFUSED, RELOADED, Reread, say_refused
from proxy.app.worker import LEAVE, Seat
from proxy.errors import SettingsError
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 10.0
PROVED_AFTER: Final = 60.0
"""Seconds of life after which a death counts as the first again."""


def pause_after(deaths: int) -> float:
    """Seconds until a worker that died so many times in a row is forked again."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (min(deaths, 16) - 1)))


@dataclass(slots=True)
class Team:
    """The workers of one configuration, by number; `due` says when one that died comes back, `deaths` how often it died."""

    settings: Settings
    opened: Opened
    workers: dict[int, Worker] = field(default_factory=dict)
    due: dict[int, float] = field(default_factory=dict)
    deaths: dict[int, int] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether all serve."""
        return sum(worker.serves for worker in self.workers.values()) == self.settings.workers


class Crew:
    """`run` returns the exit code."""

    def __init__(
        self, settings: Settings, reread: Reread, work: Work, passed: Mapping[Name, socket.socket] = NONE
    ) -> None:
        self._settings = settings
        self._reread = reread
        self._work = work
        self._telemetry = Telemetry(rules.telemetry_rules(settings))
        self._doors = Doors(passed)
        self._current: Team | None = None
        self._coming: Team | None = None
        self._leaving: list[Worker] = []
        self._is_reload_asked = False
        self._is_stopping = False
        self._exit_code = 0

    def run(self) -> int:
        """Until told to stop, or until the first team cannot begin. Raises SettingsError before anything is forked."""
        with closing(self._doors), closing(Signals()) as signals:
            self._lifeline, self._parent_end = os.pipe()
            try:
                self._begin(self._settings)
                while not self._is_over():
                    self._turn(signals)
            finally:
                os.close(self._parent_end)
                os.close(self._lifeline)
        return self._exit_code

    def _is_over(self) -> bool:
        return self._is_stopping and not self._everybody()

    def _teams(self) -> list[Team]:
        return [team for team in (self._current, self._coming) if team is not None]

    def _everybody(self) -> list[Worker]:
        return [*self._leaving, *(worker for team in self._teams() for worker in team.workers.values())]

    # One turn: what was heard, who died, who is due.

    def _turn(self, signals: Signals) -> None:
        waiting = {worker.ready: worker for worker in self._everybody() if worker.ready is not None}
        heard, _, _ = select.select([signals.fileno(), *waiting], [], [], self._until_due())
        told = signals.taken()
        for end in heard:
            if end in waiting and waiting[end].heard():
                self._serves()
        self._reap()
        for number in (signal.SIGTERM, signal.SIGINT):
            if number in told:
                self._stop(number)
        self._is_reload_asked |= signal.SIGHUP in told
        if not self._is_stopping:
            self._fork_due()
            if self._is_reload_asked and self._coming is None:
                self._reload()

    def _until_due(self) -> float | None:
        due = [at for team in self._teams() for at in team.due.values()]
        return max(0.0, min(due) - time.monotonic()) if due and not self._is_stopping else None

    # Teams.

    def _begin(self, settings: Settings) -> None:
        self._coming = Team(settings, self._doors.open(settings))
        self._fork(self._coming, 0)

    def _fork(self, team: Team, number: int) -> None:
        """A machine without room for a process costs a team that is coming its turn, one that serves a pause."""

        def seat(ready: int) -> Seat:
            return Seat(
                settings=team.settings,
                doors=self._doors,
                opened=team.opened,
                number=number,
                ready=ready,
                lifeline=self._lifeline,
            )

        now = time.monotonic()
        try:
            team.workers[number] = fork(seat, self._parent_end, self._work, now)
        except OSError as error:
            if team is self._coming:
                self._came_to_nothing(team, 1, f"a worker could not be started: {error.strerror}")
            else:
                pause = self._again(team, number, now)
                self._telemetry.log.warning(
                    "worker_not_started", worker=number, what=error.strerror, again_in=pause
                )

    def _serves(self) -> None:
        """Somebody began to serve: the rest of the team that is coming follows, or takes over."""
        team = self._coming
        if team is None:
            return
        first = team.workers.get(0)
        if first is not None and first.serves:
            for number in range(team.settings.workers):
                if number not in team.workers and self._coming is team:
                    self._fork(team, number)
        if self._coming is team and team.is_whole:
            self._take_over(team)

    def _take_over(self, team: Team) -> None:
        before, self._current, self._coming = self._current, team, None
        if before is None:
            self._telemetry.log.info("workers", what="all serve", number=team.settings.workers)
            return
        self._send_off(before, LEAVE)
        self._doors.keep(team.settings)
        self._telemetry.log.info("reloaded", what=RELOADED)

    def _send_off(self, team: Team, what: signal.Signals) -> None:
        for worker in team.workers.values():
            # One that does not serve yet has nothing to finish.
            worker.tell(what if worker.serves else signal.SIGTERM)
            self._leaving.append(worker)

    def _reload(self) -> None:
        self._is_reload_asked = False
        try:
            self._begin(self._reread())
        except SettingsError as refusal:
            self._keep_current()
            say_refused(self._telemetry, refusal)
        except Exception as error:
            self._keep_current()
            incident = self._telemetry.report(error)
            self._telemetry.log.warning(REFUSED, what="a bug: nothing was changed", incident=incident)

    def _stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Each worker is told what we were told."""
        if not self._is_stopping:
            self._is_stopping = True
            self._doors.close()
        for worker in self._everybody():
            worker.tell(how)

    # Deaths.

    def _reap(self) -> None:
        for worker in self._everybody():
            code = worker.exit_code()
            if code is not None:
                self._died(worker, code)

    def _died(self, worker: Worker, code: int) -> None:
        if worker in self._leaving:
            self._leaving.remove(worker)
            return
        team = next(team for team in self._teams() if team.workers.get(worker.number) is worker)
        del team.workers[worker.number]
        if self._is_stopping:
            return
        if team is self._coming:
            self._came_to_nothing(team, code, f"a worker ended with {code} before it served")
        else:
            self._come_back(team, worker, code)

    def _came_to_nothing(self, team: Team, code: int, why: str) -> None:
        if self._current is None:
            self._exit_code = code if code > 0 else 1
            self._telemetry.log.error("workers", what=why)
            self._stop()
            return
        self._coming = None
        self._send_off(team, signal.SIGTERM)
        self._keep_current()
        self._telemetry.log.warning(REFUSED, what=f"{why}, under the new configuration: nothing was changed")

    def _keep_current(self) -> None:
        """Addresses that only a refused configuration had are let go."""
        if self._current is not None:
            self._doors.keep(self._current.settings)

    def _come_back(self, team: Team, worker: Worker, code: int) -> None:
        now, number = time.monotonic(), worker.number
        if now - worker.started_at >= PROVED_AFTER:
            team.deaths[number] = 0
        pause = self._again(team, number, now)
        was_told = code in (0, -signal.SIGTERM)
        say, event = (
            (self._telemetry.log.info, "worker_left")
            if was_told
            else (self._telemetry.log.error, "worker_died")
        )
        say(event, worker=number, pid=worker.pid, code=code, again_in=pause)

    def _again(self, team: Team, number: int, now: float) -> float:
        """Seconds until this worker is forked again: one more time in a row that it is not there."""
        team.deaths[number] = team.deaths.get(number, 0) + 1
        pause = pause_after(team.deaths[number])
        team.due[number] = now + pause
        return pause

    def _fork_due(self) -> None:
        team = self._current
        if team is None:
            return
        now = time.monotonic()
        for number in [number for number, at in team.due.items() if at <= now]:
            del team.due[number]
            self._fork(team, number)
