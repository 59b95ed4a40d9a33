"""How a preset proves the admin to the app: a header, Basic, or a login that is exchanged for a token."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, StrictInt, model_validator

from proxy.apps.closest import suggestion
from proxy.apps.fields import (
    BodyField,
    ExpressionField,
    HeaderName,
    Section,
    TargetField,
    TemplateField,
    templates_in,
)
from proxy.apps.template import Template

PREFIX = "credentials."


class _Authentication(Section):
    further: ClassVar[frozenset[str]] = frozenset()

    def templates(self) -> Iterator[Template]:
        raise AssertionError("each kind says its own")

    @property
    def credentials(self) -> frozenset[str]:
        """The names of the credentials it needs."""
        names = (name for template in self.templates() for name in template.names)
        return frozenset(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))

    @model_validator(mode="after")
    def _names_are_credentials(self) -> Self:
        for name in sorted({name for template in self.templates() for name in template.names}):
            if not name.startswith(PREFIX) and name not in self.further:
                near = suggestion(name, {PREFIX + "token", *self.further})
                raise ValueError(f"{{{name}}} is no credential: write {{credentials.NAME}}{near}")
        return self


class HeaderAuthentication(_Authentication):
    """`X-Api-Key: {credentials.token}` on every request."""

    kind: Literal["header"]
    header: HeaderName
    value: TemplateField

    def templates(self) -> Iterator[Template]:
        yield self.value


class BasicAuthentication(_Authentication):
    """HTTP Basic (RFC 7617)."""

    kind: Literal["basic"]
    username: TemplateField
    password: TemplateField

    def templates(self) -> Iterator[Template]:
        yield from (self.username, self.password)


class LoginAuthentication(_Authentication):
    """A first request that is answered with a token.

    It is asked again `lifetime` seconds later, and once when the app no longer takes the token.
    """

    further = frozenset({"token"})

    kind: Literal["login"]
    request: TargetField
    body: BodyField = None
    token: ExpressionField
    header: HeaderName = "Authorization"
    value: TemplateField
    lifetime: StrictInt = Field(default=600, ge=1)

    def templates(self) -> Iterator[Template]:
        yield from (self.request.path, self.value)
        yield from templates_in(self.body)


Authentication: TypeAlias = Annotated[
    HeaderAuthentication | BasicAuthentication | LoginAuthentication, Field(discriminator="kind")
]
