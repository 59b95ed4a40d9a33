"""The configuration that the demonstration writes for `muster serve`: an ordinary file, fit to be read and copied."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

CLIENT_ID: Final = "muster"
IDP_ID: Final = "corp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Who is where. `public_url` is what people type; its host differs from the IdP's, since cookies ignore ports."""

    listen: str
    public_url: str
    ops: str
    issuer: str
    app: str


_CONFIGURATION: Final = """\
# Written by `muster demo`. Everything not said here has its default; docs/settings.md lists all settings.
listen: {listen}
ops_listen: {ops}
public_url: {public_url}

upstream:
  url: {app}

idps:
  - id: {idp}
    name: Example Corp (demo)
    issuer: {issuer}
    client_id: {client_id}
    client_secret: {{file: idp.secret}}
    denied_markers: [User disabled]     # what the demo IdP answers about a suspended person

refresh: {{every: {every:g}s, at_least: 1s, grace: 1h, cool_off: 1s}}

joining:
  domains: [example.com]

groups:
  links:
    - {{app: Developers, idp: [engineers, platform]}}
    - {{app: Designers, idp: [designers]}}

roles:
  default: end-user
  order:
    - {{name: end-user}}
    - {{name: builder, idp: [platform]}}
    - {{name: admin, idp: [admins]}}

app:
  preset: demo
  url: {app}
  credentials: {{token: {{file: app.token}}}}
  protected: [robot]

store: {{sqlite: ./muster.db}}
keys_file: ./muster.keys
"""


def write_configuration(folder: Path, at: Addresses, *, client_secret: str, token: str, every: float) -> Path:
    """Write the file and the secrets beside it (mode 0600); returns the file. `every` is the refresh interval in seconds."""
    write_secret(folder / "idp.secret", client_secret)
    write_secret(folder / "app.token", token)
    file = folder / "muster.yaml"
    file.write_text(
        _CONFIGURATION.format(
            listen=at.listen,
            ops=at.ops,
            public_url=at.public_url,
            app=at.app,
            issuer=at.issuer,
            idp=IDP_ID,
            client_id=CLIENT_ID,
            every=every,
        )
    )
    return file


def write_secret(file: Path, secret: str) -> None:
    """Replace a secret in one step, readable by its owner alone: a reader sees the old one or the new one."""
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(secret + "\n")
    fresh.replace(file)
