"""Turns a sign-in, or an hourly question, at an OpenID Provider into an `Identity`. Read `client.py` first."""
