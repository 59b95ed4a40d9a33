"""Decides what happens to one request. Read `decision.py` first."""
