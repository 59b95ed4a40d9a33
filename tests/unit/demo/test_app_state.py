from proxy.demo.app_state import AppState, Faults, with_demo_content


def _state(seats: int | None = None) -> AppState:
    return AppState(token="t", seats=seats, page_size=50)


def test_the_robot_is_account_one_and_an_administrator() -> None:
    robot = _state().accounts[1].as_json()
    assert (robot["login"], robot["admin"]) == ("robot", True)


def test_seats_count_active_accounts_only() -> None:
    state = _state(seats=2)
    assert state.has_seat()
    zoe = state.add_account("zoe", "z@example.com", "Zoe")
    assert not state.has_seat()
    zoe.is_active = False
    assert state.has_seat()


def test_a_fault_lasts_for_its_times() -> None:
    faults = Faults(status=503, times=2)
    assert [faults.take() for _ in range(3)] == [503, 503, None]
    assert Faults(status=500).take() == 500
    assert Faults().take() is None


def test_the_furnished_app_has_a_book_club_made_by_hand() -> None:
    state = with_demo_content(_state())
    zoe = state.by_login("zoe")
    assert zoe is not None
    assert state.group_names(zoe) == ["Book club"]
