"""A request of a preset with its placeholders filled in: pure, so that what would be sent can be shown and tested.

Whatever is filled into a path is percent-encoded, so that no login can reach another resource. A key of a body or query
whose value is exactly one placeholder is left out when nothing is known: a request never clears what it does not know.
A list of a body with one item that names `each_…` holds that item once for each value.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import quote

from proxy.apps.fields import QueryValue, Target, Tree, each_name
from proxy.apps.requests import Request
from proxy.apps.template import Json, Placeholder, Template, Unrendered, Values, as_text

_ABSENT = object()
"""A key that is left out: distinct from None, which is JSON's null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request below the app's address. `path` is encoded; `body` is JSON, absent when `has_body` is False.

    `link` is a path and query that the app itself gave for the next page; it stands for both then.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Json = field(default=None, repr=False)
    has_body: bool = False
    link: str | None = None


def render(request: Request, values: Values) -> Call:
    """The call; raises Unrendered when something that must be known is not, or cannot be sent."""
    return Call(
        method=request.request.method,
        path=render_path(request.request, values),
        query=render_query(request.query, values),
        headers={name: render_header(name, value, values) for name, value in request.headers.items()},
        body=render_body(request.body, values),
        has_body=request.body is not None,
    )


def render_path(target: Target, values: Values) -> str:
    parts = (part if isinstance(part, str) else _segment(part, values) for part in target.path.parts)
    path = "".join(parts)
    if any(segment in {".", ".."} for segment in path.split("/")):
        raise Unrendered(f"a placeholder of {target.path.source} is made of dots")
    return path


def _segment(part: Placeholder, values: Values) -> str:
    """The value percent-encoded, the slash too. `value` never gives the empty text, so no segment can vanish."""
    return quote(as_text(part.value(values), part.names[0]), safe="")


def render_query(query: Mapping[str, QueryValue], values: Values) -> dict[str, str]:
    """A parameter that is a mapping or a list is sent as JSON."""
    rendered = {name: render_body(value, values) for name, value in query.items()}
    return {name: _parameter(value, name) for name, value in rendered.items() if value is not None}


def _parameter(value: Json, name: str) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else as_text(value, name)


def render_header(name: str, value: Template, values: Values) -> str:
    """The header's value; control characters would begin another header and are refused."""
    text = value.text(values)
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise Unrendered(f"the header {name} would hold a control character")
    return text


def at_page(call: Call, query: Mapping[str, str]) -> Call:
    """The call with where the list goes on: parameters, or with a dot keys inside the body (`body.…`) or a parameter of JSON."""
    plain = {name: value for name, value in query.items() if "." not in name}
    found = replace(call, query={**call.query, **plain})
    for name, value in query.items():
        head, dot, key = name.partition(".")
        if dot:
            found = _inside(found, head, key, int(value) if value.isdecimal() else value)
    return found


def _inside(call: Call, head: str, key: str, value: Json) -> Call:
    whole = call.body if head == "body" else json.loads(call.query[head])
    if not isinstance(whole, dict):
        raise Unrendered(f"{head}.{key} has no place in what is sent")
    changed: Json = {**whole, key: value}
    if head == "body":
        return replace(call, body=changed)
    return replace(call, query={**call.query, head: json.dumps(changed)})


def render_body(tree: Tree, values: Values) -> Json:
    found = _filled(tree, values)
    return None if found is _ABSENT else cast("Json", found)


def _filled(tree: Tree, values: Values) -> object:
    match tree:
        case Template():
            value = tree.value(values)
            return _ABSENT if value is None else value
        case tuple():
            items = (item for each in tree for item in _repeated(each, values))
            return [item for item in items if item is not _ABSENT]
        case Mapping():
            filled = {key: _filled(item, values) for key, item in tree.items()}
            return {key: item for key, item in filled.items() if item is not _ABSENT}
        case _:
            return tree


def _repeated(tree: Tree, values: Values) -> Iterator[object]:
    """An item of a list, or as many as there are values of the `each_…` that it names."""
    name = each_name(tree)
    many = values.get(name) if name else None
    if name is None:
        yield _filled(tree, values)
    elif isinstance(many, list):
        yield from (_filled(tree, {**values, name: value}) for value in many)
    else:
        raise Unrendered(f"nothing is known for {{{name}}}")
