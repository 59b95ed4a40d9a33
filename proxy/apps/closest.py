"""“Did you mean …?” for a key, placeholder or name that is not known."""

import difflib
from collections.abc import Iterable


def suggestion(word: str, known: Iterable[str]) -> str:
    """A clause to put behind the sentence, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean “{near[0]}”?)" if near else ""
