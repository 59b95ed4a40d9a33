from proxy.demo.people import PEOPLE


def test_every_login_and_address_is_one_persons() -> None:
    assert len({person.login for person in PEOPLE}) == len(PEOPLE)
    assert len({person.email for person in PEOPLE}) == len(PEOPLE)


def test_the_subject_is_not_the_login() -> None:
    assert all(person.subject != person.login for person in PEOPLE)
