"""Decides what a person should have in the app, and because of what. Read `evaluate.py` first."""
