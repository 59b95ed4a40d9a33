"""JMESPath expressions that read an app's answers, compiled when the preset is loaded."""

from dataclasses import dataclass, field
from typing import Any, cast

import jmespath
from jmespath.exceptions import JMESPathError

from proxy.apps.template import Json


class Unread(ValueError):
    """An answer in which what should be there is not. Its message is for an operator and holds no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One expression; equal when the source is."""

    source: str
    compiled: Any = field(repr=False, compare=False)

    def read(self, document: Json) -> Json:
        """What it finds; None for nothing. Raises Unread when the document has other types than it expects."""
        try:
            return cast("Json", self.compiled.search(document))
        except (JMESPathError, ArithmeticError) as error:
            raise Unread(f"“{self.source}” cannot be read: {type(error).__name__}") from None


def parse_expression(source: str) -> Expression:
    try:
        return Expression(source=source, compiled=jmespath.compile(source))
    except JMESPathError as error:
        raise ValueError(f"“{source}” is no JMESPath: {str(error).splitlines()[0]}") from None


def is_so(expression: Expression | None, document: Json) -> bool:
    """Whether it is true of the document; what cannot be read, or asked, is not."""
    try:
        return expression is not None and expression.read(document) is True
    except Unread:
        return False
