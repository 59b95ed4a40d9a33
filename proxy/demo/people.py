"""The people of the demonstration: what the IdP starts with, and what a test may start with instead."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at the demo IdP. `subject` is the `sub` claim: it differs from the login on purpose.

    `hosted_domain` is stated as Google's `hd`.
    """

    login: str
    name: str
    email: str
    groups: tuple[str, ...] = ()
    is_email_verified: bool = True
    hosted_domain: str | None = None

    @property
    def subject(self) -> str:
        return f"person-{self.login}"


PEOPLE = (
    Person(login="alice", name="Alice Archer", email="alice@example.com", groups=("engineers",)),
    Person(login="bob", name="Bob Baker", email="bob@example.com", groups=("designers",)),
    Person(login="carol", name="Carol Carter", email="carol@example.com", groups=("engineers", "designers")),
    Person(login="erin", name="Erin Ernst", email="erin@example.com"),
    Person(login="mallory", name="Mallory Moe", email="mallory@elsewhere.test", groups=("engineers",)),
)
"""Carol has an account in the demo app already (it is linked by her address); Mallory's domain is not admitted."""
