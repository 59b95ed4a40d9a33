"""Counting that costs a dictionary look-up: what is counted once a request is read only when somebody scrapes."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class PlainCounts(Collector):
    """One counter with one label, in a plain dict. Whoever adds sees to it that the words are few."""

    def __init__(self, name: str, what: str, label: str) -> None:
        self.counts: dict[str, int] = {}
        self._name = name
        self._what = what
        self._label = label

    def add(self, word: str) -> None:
        self.counts[word] = self.counts.get(word, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._what, labels=[self._label])
        for word, count in sorted(self.counts.items()):
            family.add_metric([word], count)
        yield family
