"""Places as an operator reads them; no secret shows."""

from proxy.storage.redis.place import Address, Cluster, Login, Single, Socket, Watched

NODES = (Address(host="one", port=1), Address(host="::1", port=2))


def test_places_are_told_apart_in_messages() -> None:
    assert str(Single(endpoint=Socket(path="/run/redis.sock"))) == "/run/redis.sock"
    assert str(Single(endpoint=NODES[1])) == "[::1]:2"
    assert str(Watched(sentinels=NODES, master="main")) == "main at Sentinel one:1"
    assert str(Cluster(nodes=NODES)) == "Cluster at one:1"


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Login(username="muster", password=lambda: "hunter2"))
