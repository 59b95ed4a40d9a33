"""Where records are kept: every store port, per engine. Read `keyring.py` for the sealing keys, then `sqlite/store.py`."""
