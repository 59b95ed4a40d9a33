"""What the environment may ask for."""

import pytest

from bench.options import BadOption, Options, read
from bench.scenarios import KEYS, SCENARIOS


def test_nothing_said_is_the_whole_measurement() -> None:
    assert read({}) == Options()
    assert read({}).only == KEYS
    assert read({"BENCH_SECONDS": "", "BENCH_ONLY": ""}) == Options()


def test_each_can_be_said() -> None:
    said = {"BENCH_SECONDS": "5", "BENCH_RUNS": "7", "BENCH_STREAM_MIB": "64", "BENCH_ONLY": "rate, get-1k"}
    asked = read({**said, "BENCH_PROXIES": "muster Envoy"})
    assert (asked.seconds, asked.rounds, asked.stream_mib, asked.only) == (5.0, 7, 64, ("rate", "get-1k"))
    assert asked.proxies == ("muster", "envoy")


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadOption, match=r"no scenario get-2k; there are get-1k, fresh,"):
        read({"BENCH_ONLY": "get-1k get-2k"})


@pytest.mark.parametrize("text", ["0", "-1", "0.5", "nan", "inf", "1e7", "three"])
@pytest.mark.parametrize("name", ["BENCH_SECONDS", "BENCH_RUNS", "BENCH_STREAM_MIB"])
def test_what_is_no_number_from_one_on_is_refused(name: str, text: str) -> None:
    with pytest.raises(BadOption, match=name):
        read({name: text})


def test_nginx_is_always_measured() -> None:
    asked = Options(proxies=("muster", "envoy"))
    wanted = [name for name in ("nginx", "HAProxy", "Envoy oauth2", "Muster") if asked.is_wanted(name)]
    assert wanted == ["nginx", "Envoy oauth2", "Muster"]
    assert Options().is_wanted("HAProxy")


def test_no_two_scenarios_share_a_key() -> None:
    assert len(set(KEYS)) == len(KEYS) == len(SCENARIOS) + 2
