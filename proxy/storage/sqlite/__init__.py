"""Every store port on one SQLite file: the embedded engine. Read `store.py` first, then `engine.py` for how calls are run."""
