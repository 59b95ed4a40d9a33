"""What may be shown of a head that was refused."""

import pytest

from proxy.edge.refused import LONGEST, shown_path


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (b"/a/b", b"/a/b"),
        (b"/callback?code=secret", b"/callback"),
        (b"/a#access_token=secret", b"/a"),
        (b"/a#x?code=secret", b"/a"),
        (b"http://ada:secret@app.example/a", None),
        (b"http://app.example/a", None),
        (b"app.example:443", None),
        (b"*", None),
        (b"", None),
        (b"secret", None),
        (b"/" + b"a" * 1000, b"/" + b"a" * (LONGEST - 1)),
    ],
)
def test_of_a_target_is_shown(target: bytes, shown: bytes | None) -> None:
    assert shown_path(target) == shown
