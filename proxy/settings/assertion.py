"""The section `assertion`: a signed statement about the person, beside the identity headers."""

from typing import Annotated, Final

from pydantic import AfterValidator

from proxy.settings.durations import PositiveDuration
from proxy.settings.section import Section, setting
from proxy.settings.text import Text
from proxy.settings.traffic import HeaderName

SHORTEST: Final = 30.0
LONGEST: Final = 300.0


def check_lifetime(seconds: float) -> float:
    """Short enough that one that leaked is worth little, long enough for an app's clock."""
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError("an assertion lives between 30s and 5m")
    return seconds


class Assertion(Section):
    """A JWT about the person, signed with ES256, that the app verifies with `/_muster/jwks.json` (docs/assertion.md)."""

    enabled: bool = setting(False, "Send it with every request of somebody who is signed in.")
    header: HeaderName = setting(
        "X-Muster-Assertion", "Carries it. Clients can never send this header, enabled or not."
    )
    audience: Text | None = setting(None, "Its `aud`, which names the app; null = `public_url`.")
    lifetime: Annotated[PositiveDuration, AfterValidator(check_lifetime)] = setting(
        "5m", "From `iat` to `exp`: 30s to 5m. Another one is made when four fifths are over."
    )
