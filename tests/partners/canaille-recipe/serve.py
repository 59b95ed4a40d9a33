"""canaille as it is, on a database of the test, with a control endpoint beside it. Run by its own environment's Python.

    python serve.py PORT FOLDER

`POST /control` takes `{"people": {LOGIN: {"email", "name", "groups", "locked"}}, "client": {…}}` and answers with the token
calls so far; what is left out stays as it is.
"""

import datetime
import secrets
import sys
from pathlib import Path
from typing import Any

from canaille import create_app
from canaille.app import models
from flask import Response, jsonify, request
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

PASSWORD = "any-password-will-do"
CALLS: list[dict[str, Any]] = []


def made(folder: Path) -> Any:
    """The application, with one signing key and an empty database."""
    key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    return create_app(
        {
            "SECRET_KEY": secrets.token_hex(16),
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"JAVASCRIPT": False, "HTMX": False, "LANGUAGE": "en", "DATABASE": "sql"},
            "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{folder / 'canaille.sqlite'}"},
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
        }
    )


def put_person(backend: Any, login: str, stated: dict[str, Any]) -> None:
    person = backend.get(models.User, user_name=login)
    if person is None:
        person = models.User(user_name=login, family_name=stated["name"], password=PASSWORD)
    if "name" in stated:
        person.formatted_name = stated["name"]
        person.emails = [stated["email"]]
    if "locked" in stated:
        person.lock_date = datetime.datetime.now(datetime.UTC) if stated["locked"] else None
    backend.save(person)
    for name in stated.get("groups", ()):
        if backend.get(models.Group, display_name=name) is None:
            backend.save(models.Group(display_name=name, members=[person]))
    for group in backend.query(models.Group) if "groups" in stated else ():
        others = [one for one in group.members if one.user_name != login]
        group.members = [*others, person] if group.display_name in stated["groups"] else others
        backend.save(group)


def put_client(backend: Any, stated: dict[str, Any]) -> None:
    client = backend.get(models.Client, client_id=stated["client_id"])
    if client is None:
        client = models.Client(client_id=stated["client_id"])
    for name, value in stated.items():
        setattr(client, name, value)
    client.client_name = "muster"
    client.client_uri = "http://127.0.0.1"
    client.grant_types = ["authorization_code", "refresh_token"]
    client.response_types = ["code"]
    client.scope = ["openid", "profile", "email", "groups"]
    client.token_endpoint_auth_method = "client_secret_basic"
    client.client_id_issued_at = datetime.datetime.now(datetime.UTC)
    backend.save(client)
    client.audience = [client]
    backend.save(client)


def serve(port: int, folder: Path) -> None:
    app = made(folder)

    def control() -> Response:
        asked = request.get_json()
        for login, stated in asked.get("people", {}).items():
            put_person(app.backend, login, stated)
        if "client" in asked:
            put_client(app.backend, asked["client"])
        return jsonify({"calls": CALLS})

    def note(answer: Response) -> Response:
        if request.path == "/oauth/token":
            said = answer.get_json(silent=True) or {}
            outcome = "ok" if answer.status_code == 200 else said.get("error")
            CALLS.append(
                {
                    "grant_type": request.form.get("grant_type"),
                    "outcome": outcome,
                    "has_id_token": "id_token" in said,
                }
            )
        return answer

    app.add_url_rule("/control", "control", control, methods=["POST"])
    app.extensions["csrf"].exempt(control)
    app.after_request(note)
    server = make_server("127.0.0.1", port, app, threaded=True)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
