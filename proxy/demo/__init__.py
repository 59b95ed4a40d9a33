"""A small IdP and a small app, ours, for `muster demo` and tests only; never imported by the rest. Read `run.py` first."""
