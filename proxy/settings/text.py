"""Text in settings: one line with something in it; lists of such; the operator's short names."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

IDP_NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"


def as_tuple(value: Any) -> Any:
    """One string as a tuple of one, a list as a tuple; everything else as it is."""
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


def check_text(text: str) -> str:
    """Printable text with something in it, and no white space around it."""
    if not text.strip() or text != text.strip() or not text.isprintable():
        raise ValueError("write some text, without white space around it")
    return text


Text = Annotated[str, AfterValidator(check_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(as_tuple, json_schema_input_type=str | list[str])]
IdpName = Annotated[str, Field(pattern=IDP_NAME)]
