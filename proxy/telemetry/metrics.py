"""Every metric, in one place. Labels are bounded: known words, and after 200 different ones the word `other`."""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from proxy.telemetry.counts import PlainCounts
from proxy.telemetry.edge import EdgeCollector

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_MOST_WORDS: Final = 200


class Words:
    """Label values seen so far; a new one beyond the bound is `other`."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def bounded(self, word: str) -> str:
        if word not in self._seen:
            if len(self._seen) >= _MOST_WORDS:
                return "other"
            self._seen.add(word)
        return word


class Metrics:
    """All counters and gauges, in a registry of their own. `idps` appear from the start, so that an alert can be written."""

    def __init__(self, idps: Iterable[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self.requests = PlainCounts("muster_requests", "Requests answered, by outcome.", "outcome")
        self.refused_heads = PlainCounts(
            "muster_refused_heads", "Requests refused before they were one, by why.", "why"
        )
        self.edge = EdgeCollector()
        for collector in (self.requests, self.refused_heads, self.edge):
            self.registry.register(collector)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._words = Words()
        self._refreshes = self._counter("refresh_outcomes", "Answers of IdPs to a refresh.", "idp", "outcome")
        self._misconfigured = self._gauge(
            "idp_misconfigured", "1 while the IdP rejects Muster itself.", "idp"
        )
        self._trouble = self._gauge("idp_trouble", "1 while the IdP gives no usable answer.", "idp")
        self._entries = self._gauge(
            "outbox_entries", "People whose account waits to be brought to agree.", "state"
        )
        self._oldest = self._gauge("outbox_oldest_seconds", "Age of the oldest open outbox entry.")
        self._sign_ins = self._counter("sign_ins", "Sign-ins, by how they ended.", "idp", "result")
        self._bearers = self._counter(
            "bearer_tokens", "Bearer tokens looked at, by what they were worth.", "idp", "result"
        )
        self._app_calls = self._counter("app_calls", "Calls to the app's admin API.", "operation", "outcome")
        self._latched = self._gauge(
            "guard_latched", "1 while the guard holds changes of this scope.", "scope"
        )
        self._ended = self._counter("sessions_ended", "Sessions that ended, by reason.", "reason")
        self._not_stated = self._counter("groups_not_stated", "Statements of IdPs without groups.", "idp")
        self._lost = self._counter("log_lines_lost", "Access and audit lines that could not be written.")
        self._silent = self._gauge(
            "groups_not_stated_over_24h", "People whose groups the IdP has not stated for a day.", "idp"
        )
        self._swept_at = self._gauge("sweep_ended_seconds", "When the last sweep ended (epoch seconds).")
        self._swept_in = self._gauge("sweep_took_seconds", "How long the last sweep took.")
        self._swept_found = self._gauge("sweep_found", "What the last sweep found.", "kind")
        self._silent_idps: set[str] = set(idps)
        self._latched_scopes: frozenset[str] = frozenset()
        for idp in idps:
            self._misconfigured.labels(idp).set(0)
            self._trouble.labels(idp).set(0)
            self._silent.labels(idp).set(0)

    def refresh_outcome(self, idp: str, outcome: str) -> None:
        """Count one answer. `outcome`: refreshed, denied, ask_again, trouble or misconfigured; the two gauges follow it."""
        self._refreshes.labels(self._words.bounded(idp), outcome).inc()
        self.idp_answered(idp, outcome)

    def idp_answered(self, idp: str, outcome: str) -> None:
        """Set the IdP's gauges without counting a refresh (sign-in, discovery). Silence does not prove a configuration right."""
        label = self._words.bounded(idp)
        self._trouble.labels(label).set(outcome == "trouble")
        if outcome != "trouble":
            self._misconfigured.labels(label).set(outcome == "misconfigured")

    def outbox(self, *, opened: int, parked: int, held: int, oldest_age: float) -> None:
        for state, count in (("open", opened), ("parked", parked), ("held", held)):
            self._entries.labels(state).set(count)
        self._oldest.set(oldest_age)

    def sign_in(self, idp: str, result: str) -> None:
        self._sign_ins.labels(self._words.bounded(idp), self._words.bounded(result)).inc()

    def bearer_token(self, idp: str, result: str) -> None:
        self._bearers.labels(self._words.bounded(idp), self._words.bounded(result)).inc()

    def app_call(self, operation: str, outcome: str) -> None:
        self._app_calls.labels(self._words.bounded(operation), self._words.bounded(outcome)).inc()

    def guard_latched(self, scopes: Iterable[str]) -> None:
        """Say which scopes are latched now; those that were and are no more fall to 0."""
        now = frozenset(self._words.bounded(scope) for scope in scopes)
        for scope in self._latched_scopes | now:
            self._latched.labels(scope).set(scope in now)
        self._latched_scopes = self._latched_scopes | now

    def session_ended(self, reason: str, count: int = 1) -> None:
        self._ended.labels(self._words.bounded(reason)).inc(count)

    def groups_not_stated(self, idp: str) -> None:
        self._not_stated.labels(self._words.bounded(idp)).inc()

    def groups_silent(self, people: Mapping[str, int]) -> None:
        """Say how many people's groups each IdP has not stated for a day; those it states again fall to 0."""
        for idp in {*people, *self._silent_idps}:
            self._silent.labels(self._words.bounded(idp)).set(people.get(idp, 0))
        self._silent_idps |= people.keys()

    def swept(self, *, at: float, seconds: float, found: Mapping[str, int]) -> None:
        """The last sweep: when it ended, how long it took, and what it found by kind."""
        self._swept_at.set(at)
        self._swept_in.set(seconds)
        for kind, number in found.items():
            self._swept_found.labels(kind).set(number)

    def lines_lost(self, count: int) -> None:
        self._lost.inc(count)

    def render(self) -> bytes:
        """The exposition text; its type is `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"muster_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"muster_{name}", what, labels, registry=self.registry)
