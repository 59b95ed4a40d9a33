"""Decides what a session is worth at a moment and what an IdP's answer leaves of it. Read `policy.py` first."""
