"""Mistakes in `bearer` that no entry shows alone: names, issuers and audiences beside those of the IdPs."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from proxy.settings.addresses import is_loopback
from proxy.settings.bearer import Bearer
from proxy.settings.document import Loc
from proxy.settings.idp import Idp
from proxy.settings.model import Settings

Found = Iterator[tuple[Loc, str]]


def bearer_mistakes(settings: Settings) -> Found:
    """Every contradiction."""
    idps = {idp.id: idp for idp in settings.idps}
    for index, bearer in enumerate(settings.bearer):
        place: Loc = ("bearer", index)
        yield from (((*place, name), message) for name, message in bearer.mistakes())
        yield from _beside_idps(bearer, idps, settings.sign_in.enforce, place)
        yield from _plain_http(settings, bearer, place)
    yield from _repeated(settings, idps)


def _beside_idps(bearer: Bearer, idps: dict[str, Idp], enforced: str | None, place: Loc) -> Found:
    if bearer.idp is not None and bearer.idp not in idps:
        yield (*place, "idp"), f"there is no IdP with the id {bearer.idp!r}"
    if enforced is not None and bearer.idp not in (None, enforced):
        yield (
            (*place, "idp"),
            f"sign_in.enforce lets in people of {enforced} alone: their tokens, or nobody's",
        )
    if bearer.id is not None and bearer.id in idps:
        yield (*place, "id"), f"an IdP has this id: write `idp: {bearer.id}` if these are its tokens"
    if bearer.issuer is not None and bearer.issuer in {idp.issuer for idp in idps.values()}:
        yield (
            (*place, "issuer"),
            "this is an IdP's issuer: name the IdP as `idp`, so that its people are the same",
        )
    idp = idps.get(bearer.idp or "")
    if bearer.plain_jwt and idp is not None and idp.client_id in bearer.audiences:
        yield (
            (*place, "audiences"),
            "this is the client_id that people sign in with: their ID tokens carry it, and with plain_jwt one could pass for "
            "an access token",
        )


def _plain_http(settings: Settings, bearer: Bearer, place: Loc) -> Found:
    asked = bearer.introspection
    urls = {
        "issuer": bearer.issuer,
        "jwks_url": bearer.jwks_url,
        "introspection": asked.url if asked else None,
    }
    for name, url in urls.items():
        parts = urlsplit(url or "")
        if parts.scheme == "http" and not settings.insecure_http and not is_loopback(parts.hostname or ""):
            yield (
                (*place, name),
                "on plain http this can be forged on the way: use https, or write insecure_http: true",
            )


def _repeated(settings: Settings, idps: dict[str, Idp]) -> Found:
    issuers = [one.issuer or (idps[one.idp].issuer if one.idp in idps else None) for one in settings.bearer]
    for issuer, count in Counter(issuers).items():
        if issuer is not None and count > 1:
            yield ("bearer",), f"the issuer {issuer} stands here twice: name all its audiences in one entry"
    names = Counter(one.id for one in settings.bearer if one.id is not None)
    yield from (
        (("bearer",), f"two entries have the id {name!r}") for name, count in names.items() if count > 1
    )
    if sum(one.introspection is not None for one in settings.bearer) > 1:
        yield (
            ("bearer",),
            "only one entry may have introspection: an opaque token does not say whose it is, and must be shown to nobody else",
        )
