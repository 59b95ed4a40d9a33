"""Logs, metrics and the audit sink: what Muster says about itself, without a secret in it. Read `telemetry.py` first."""
