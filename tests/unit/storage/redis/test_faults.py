"""Errors as sentences: what may be asked elsewhere, what nobody can answer, and nothing of the server's words."""

import pytest
from redis import exceptions
from redis.asyncio.connection import DefaultParser

from proxy.storage.redis.faults import Elsewhere, Fault, Lost, Refused, fault_of, refusal, unavailable


def said(text: str) -> Exception:
    """What the library makes of an error reply."""
    error: Exception = DefaultParser.parse_error(text)  # type: ignore[no-untyped-call]  # the library's
    return error


@pytest.mark.parametrize(
    ("reply", "kind", "word"),
    [
        ("READONLY You can't write against a read only replica.", Elsewhere, "replica"),
        ("MOVED 3999 127.0.0.1:6381", Elsewhere, "moved"),
        ("ASK 3999 127.0.0.1:6381", Elsewhere, "moving"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", Elsewhere, "moving"),
        ("CLUSTERDOWN The cluster is down", Elsewhere, "down"),
        ("LOADING Redis is loading the dataset in memory", Elsewhere, "loading"),
        ("MASTERDOWN Link with MASTER is down", Elsewhere, "master"),
        ("BUSY Redis is busy running a script", Elsewhere, "busy"),
        ("NOREPLICAS Not enough good replicas to write.", Elsewhere, "replicas"),
        ("NOAUTH Authentication required.", Refused, "store.redis.password"),
        ("WRONGPASS invalid username-password pair", Refused, "wrong"),
        ("NOPERM this user has no permissions", Refused, "rights"),
        ("OOM command not allowed when used memory > 'maxmemory'", Refused, "memory"),
        ("MISCONF Redis is configured to save RDB snapshots", Refused, "disk"),
        ("CROSSSLOT Keys in request don't hash to the same slot", Refused, "slot"),
        ("ERR unknown command 'X', with args beginning with: secret", Refused, "ERR"),
    ],
)
def test_what_the_server_says(reply: str, kind: type[Fault], word: str) -> None:
    fault = fault_of(said(reply))
    assert type(fault) is kind
    assert word in fault.sentence
    assert "secret" not in fault.sentence


def test_what_the_network_says_is_lost_with_the_systems_words() -> None:
    error = exceptions.ConnectionError("Error 111 connecting to host:1")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert isinstance(fault_of(error), Lost)
    assert fault_of(error).sentence == "it cannot be reached (connection refused)"
    assert (
        fault_of(exceptions.ConnectionError("Connection closed by server.")).sentence
        == "the connection to it broke"
    )


def test_a_fault_stays_what_it_is() -> None:
    fault = Elsewhere("so")
    assert fault_of(fault) is fault


def test_an_operator_reads_where_and_what() -> None:
    assert str(refusal("redis:6379", "its memory is full")) == (
        "store.redis: the store redis:6379 cannot be used: its memory is full"
    )
    assert unavailable("its memory is full").reason == "the store cannot be used: its memory is full"
