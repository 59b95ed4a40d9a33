"""What the signed assertion would say of somebody, for `muster explain --session`: the claims, never a token."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from proxy.app.asserting import assertion_rules
from proxy.app.rooms import teller
from proxy.cli.desk import Desk
from proxy.gate.assertion import person_claims
from proxy.session.model import Ready, Session

NONE: Final = "none: no session of theirs is forwarded to the app"


def asserted(desk: Desk, sessions: Iterable[Session]) -> Mapping[str, Any] | None:
    """The claims but for the times, of the session that was last vouched for; None where nothing would be sent."""
    ready = [one for one in sessions if isinstance(one.account, Ready)]
    if not desk.settings.assertion.enabled or not ready:
        return None
    newest = max(ready, key=lambda one: one.refreshed_at)
    account = newest.account
    assert isinstance(account, Ready), "chosen for it"
    told = teller(desk.settings, desk.effective)(newest, account)
    return person_claims(newest, told, assertion_rules(desk.settings))


def asserted_lines(desk: Desk, claims: Mapping[str, Any] | None) -> Iterator[str]:
    """A line a claim; nothing where no assertion is sent to anybody."""
    if not desk.settings.assertion.enabled:
        return
    if claims is None:
        yield f"{'assertion':<11} {NONE}"
    for name, value in (claims or {}).items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{'assertion':<11} {name}: {shown}"
