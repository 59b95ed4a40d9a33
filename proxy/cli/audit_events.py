"""Every event that an audit record can have; docs/operations.md says what each means, and a test holds the three together."""

from typing import Final

EVENTS: Final = frozenset(
    {
        "agree", "alarm", "app_call", "archive", "audit_lost", "await_browser", "bearer", "bind", "block", "clear_suspicion",
        "create", "create_group", "end_session", "freeze", "hold", "idp_logout", "join", "keys", "leave", "leave_alone",
        "park", "push", "refuse", "remove", "restore", "retry", "rule", "set_profile", "set_role", "sign_in", "sign_out",
        "suspect", "sweep", "turn_away",
    }
)  # fmt: skip
