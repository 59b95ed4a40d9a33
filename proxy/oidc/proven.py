"""Requests in which we prove ourselves: to the token, revocation and pushed-request endpoints, and to userinfo over mutual TLS.

A secret that was rotated between reading it and the IdP's answer is not our fault for long: refused as `invalid_client`,
the request is sent once more if the file holds something else by now. That is safe with a refresh token in it, because a
client that is refused spends nothing (RFC 6749 §5.2).
"""

from collections.abc import Mapping
from typing import Final

import aiohttp

from proxy.oidc.client_auth import ClientProof, Credentials
from proxy.oidc.client_tls import ClientTls
from proxy.oidc.json_body import read_json_object
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import Answer, Tls, Transport
from proxy.session.model import Misconfigured, Trouble

_REFUSED_STATUSES: Final = frozenset({400, 401})


class ProvenRequests:
    """Requests of one client to its IdP."""

    def __init__(self, rules: IdpRules, http: aiohttp.ClientSession) -> None:
        self._transport = Transport(rules, http)
        self.proof = ClientProof(rules)
        self._tls = ClientTls(rules) if rules.client_auth.is_mutual_tls else None

    async def post(self, url: str, form: Mapping[str, str], now: float) -> Answer | Trouble | Misconfigured:
        """The answer to a form with our proof in it; Misconfigured when we have none to give."""
        proof = self.proof.credentials(now)
        answer = await self._sent(url, form, proof)
        if not isinstance(answer, Answer) or not _is_client_refused(answer):
            return answer
        newer = self.proof.credentials(now)
        return await self._sent(url, form, newer) if _is_rotated(proof, newer) else answer

    async def get(self, url: str, *, bearer: str) -> Answer | Trouble | Misconfigured:
        """A token may be bound to our certificate, so that is shown with it (RFC 8705 §3)."""
        tls = self._shown()
        return (
            tls if isinstance(tls, Misconfigured) else await self._transport.get(url, bearer=bearer, tls=tls)
        )

    async def _sent(
        self, url: str, form: Mapping[str, str], proof: Credentials | Misconfigured
    ) -> Answer | Trouble | Misconfigured:
        tls = self._shown()
        if isinstance(proof, Misconfigured):
            return proof
        if isinstance(tls, Misconfigured):
            return tls
        return await self._transport.post(url, {**form, **proof.fields}, proof.headers, tls=tls)

    def _shown(self) -> Tls | Misconfigured | None:
        return self._tls.context() if self._tls is not None else None


def _is_client_refused(answer: Answer) -> bool:
    document = read_json_object(answer.body, answer.content_type) or {}
    return answer.status in _REFUSED_STATUSES and document.get("error") == "invalid_client"


def _is_rotated(sent: Credentials | Misconfigured, newer: Credentials | Misconfigured) -> bool:
    return isinstance(sent, Credentials) and isinstance(newer, Credentials) and newer.made_of != sent.made_of
