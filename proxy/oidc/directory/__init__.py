"""Asks an IdP about a person without the person's browser: one file an IdP. Read `standing.py` first, then `keycloak.py`."""
