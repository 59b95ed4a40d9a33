"""Who gives way when all connections are taken."""

from dataclasses import dataclass

from proxy.edge.room import LEAST, Room

NOW = 1000.0


@dataclass(eq=False)
class Client:
    """A connection that waits since then, or is at work."""

    since: float | None
    gone: bool = False
    looks: int = 0
    stays: bool = False

    def waiting_since(self) -> float | None:
        self.looks += 1
        return None if self.gone else self.since

    def give_way(self) -> bool:
        self.gone = not self.stays
        return self.gone


def test_the_longest_waiting_gives_way_and_nobody_at_work() -> None:
    clients = [Client(NOW - 5), Client(None), Client(NOW - 9), Client(NOW - 7)]
    room = Room(clients)
    order = []
    while room.make(NOW):
        order.append(next(client for client in clients if client.gone and client not in order))
    assert order == [clients[2], clients[3], clients[0]]
    assert not clients[1].gone


def test_nobody_gives_way_who_waits_only_now() -> None:
    clients = [Client(NOW - LEAST / 2), Client(NOW)]
    assert not Room(clients).make(NOW)
    assert Room(clients).make(NOW + LEAST)


def test_for_one_that_cannot_the_next_gives_way() -> None:
    clients = [Client(NOW - 9, stays=True), Client(NOW - 5)]
    room = Room(clients)
    assert room.make(NOW)
    assert [client.gone for client in clients] == [False, True]
    assert not room.make(NOW)


def test_whoever_asked_meanwhile_stays() -> None:
    clients = [Client(NOW - 9), Client(NOW - 8), Client(NOW - 7)]
    room = Room(clients)
    assert room.make(NOW)
    clients[1].since = None
    assert room.make(NOW)
    assert [client.gone for client in clients] == [True, False, True]


def test_however_many_come_they_are_looked_at_once_a_tick() -> None:
    clients = [Client(None) for _ in range(100)]
    room = Room(clients)
    for _ in range(50):
        assert not room.make(NOW)
    assert sum(client.looks for client in clients) == 100
    clients[0].since = NOW - 5
    assert not room.make(NOW)
    assert room.make(NOW + 0.5)
