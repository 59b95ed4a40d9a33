"""When a 404 means that somebody left: never by itself (a narrowed token answers the same).

| does it show anybody at all | is their address there, under another id | standing                                            |
|-----------------------------|------------------------------------------|-----------------------------------------------------|
| no                          | –                                        | Unknown, misconfigured: `directory_shows_nobody`    |
| yes                         | yes                                      | Unknown, misconfigured: `address_under_another_id`  |
| yes                         | no, or no address known                  | Gone                                                |
| no answer                   | or no answer here                        | Unknown, as that answer                             |

An address under another id: subjects that are no ids of the directory (a pairwise subject), which would make everybody "gone",
or a person made anew. Both are for an operator to look at.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from proxy.oidc.directory.calls import Missing
from proxy.oidc.directory.proof import misconfigured
from proxy.provisioning.directory import Gone, Standing, Unknown

Look: TypeAlias = Callable[[], Awaitable[bool | Unknown]]


async def judge_absence(missing: Missing, shows_anybody: Look, has_address: Look | None) -> Standing:
    """The standing of somebody whom the directory did not find; `has_address` is None where no address is known."""
    anybody = await shows_anybody()
    if isinstance(anybody, Unknown):
        return anybody
    if not anybody:
        return misconfigured("directory_shows_nobody")
    address = await has_address() if has_address is not None else False
    if isinstance(address, Unknown):
        return address
    return misconfigured("address_under_another_id") if address else Gone(marker=missing.code)
