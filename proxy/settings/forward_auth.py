"""Settings of forward-auth: other proxies ask Muster about each request and forward it themselves."""

from proxy.settings.section import Section, setting


class ForwardAuth(Section):
    """Answering a proxy that asks about each request (docs/forward-auth.md) instead of standing between."""

    enabled: bool = setting(
        False, "Answer at `/_muster/auth`; only `trusted_proxies` may ask, anybody else gets 403."
    )
