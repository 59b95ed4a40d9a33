"""A browser in words, out of what it calls itself: for its own person to recognise it by, and for nothing else.

The names within a User-Agent stand from the particular to the general: Edge calls itself Chrome and Safari as well, so the
order of the tables counts (MDN, "Browser detection using the user agent string").
"""

from typing import Final

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS: Final = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "a Mac"),
    ("Linux", "Linux"),
)
UNKNOWN: Final = "An unknown browser"


def browser_words(user_agent: str) -> str:
    """Such as "Firefox on Windows"; what is not recognised is left out."""
    browser = _named(_BROWSERS, user_agent)
    system = _named(_SYSTEMS, user_agent)
    if browser is None:
        return UNKNOWN if system is None else f"{UNKNOWN} on {system}"
    return browser if system is None else f"{browser} on {system}"


def _named(table: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for sign, name in table if sign in text), None)
