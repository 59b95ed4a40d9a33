"""Who asked by forward-auth and could not be answered: told to the operator once, not with every request."""

from typing import Any, Final

from proxy.reasons import Reason

MOST: Final = 256
"""How many peers are remembered; beyond, those known are forgotten and told again."""

_ADVICE: Final = {
    Reason.UNTRUSTED_PROXY: "this peer asks about other people's requests and is not in trusted_proxies: list it if it is yours",
    Reason.PROXY_UNCLEAR: "this proxy's question has no X-Forwarded-Method or X-Forwarded-Uri, or fields that contradict each "
    "other: see docs/forward-auth.md",
}


class AskedInVain:
    """One warning for each peer and reason."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._told: set[tuple[str, Reason]] = set()

    def __call__(self, peer: str, reason: Reason) -> None:
        if (peer, reason) in self._told:
            return
        if len(self._told) >= MOST:
            self._told.clear()
        self._told.add((peer, reason))
        self._log.warning("forward_auth", reason=reason, peer=peer, what=_ADVICE.get(reason, ""))
