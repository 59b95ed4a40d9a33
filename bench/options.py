"""What a run was asked for: `BENCH_…` in the environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.scenarios import KEYS


class BadOption(Exception):
    """A setting that cannot be meant; says which, and what would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Seconds a run, rounds, MiB of a streamed body; keys of scenarios; how proxies' names begin, in lower case (none: all)."""

    seconds: float = 2.0
    rounds: int = 3
    stream_mib: int = 1024
    only: tuple[str, ...] = KEYS
    proxies: tuple[str, ...] = ()

    def is_wanted(self, proxy: str) -> bool:
        """nginx always is: the others are compared with it."""
        return not self.proxies or proxy.lower().startswith(("nginx", *self.proxies))


def read(environment: Mapping[str, str]) -> Options:
    """From BENCH_SECONDS, BENCH_RUNS, BENCH_STREAM_MIB, BENCH_ONLY and BENCH_PROXIES; raises BadOption."""
    default = Options()
    only = _words(environment, "BENCH_ONLY") or KEYS
    if unknown := [key for key in only if key not in KEYS]:
        raise BadOption(f"BENCH_ONLY: no scenario {', '.join(unknown)}; there are {', '.join(KEYS)}")
    return Options(
        seconds=_number(environment, "BENCH_SECONDS", default.seconds),
        rounds=round(_number(environment, "BENCH_RUNS", default.rounds)),
        stream_mib=round(_number(environment, "BENCH_STREAM_MIB", default.stream_mib)),
        only=tuple(only),
        proxies=tuple(_words(environment, "BENCH_PROXIES")),
    )


def _words(environment: Mapping[str, str], name: str) -> list[str]:
    return environment.get(name, "").lower().replace(",", " ").split()


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 <= number < 1e6:
        raise BadOption(f"{name}: {text!r} is no number from 1 on")
    return number
