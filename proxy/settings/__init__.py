"""Turns the operator's YAML and environment into frozen `Settings`, or every mistake at once. Read `model.py`, then `load.py`."""
