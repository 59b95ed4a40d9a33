import json
from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, AccountState, Pending, Ready, Tokens
from proxy.web.session_facts import account_word, in_full, in_short
from tests.fakes.people import groups, identity, session


@pytest.mark.parametrize(
    ("account", "word"),
    [
        (Ready(login="ada"), "ada"),
        (Pending(), "pending (being_set_up)"),
        (AccountRefused(reason=Reason.NO_SEAT), "refused (no_seat)"),
    ],
)
def test_the_accounts_state_is_a_word(account: AccountState, word: str) -> None:
    assert account_word(replace(session(), account=account)) == word


def test_no_token_and_not_the_whole_key_is_shown() -> None:
    one = session(tokens=Tokens(access_token="s3cret-a", refresh_token="s3cret-r", id_token="s3cret-i"))
    for shown in (in_short(one), in_full(one)):
        text = json.dumps(shown)
        assert "s3cret" not in text
        assert one.key not in text
        assert one.key.startswith(shown["session"])
    assert in_full(one)["has_refresh_token"] is True


def test_groups_that_were_not_stated_are_no_list() -> None:
    assert in_full(session(identity=identity(groups=NOT_STATED)))["groups"] is None
    assert in_full(session(identity=identity(groups=groups("b", "a"))))["groups"] == ["a", "b"]
