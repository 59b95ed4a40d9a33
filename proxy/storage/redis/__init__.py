"""Everything Muster keeps, on a Redis or Valkey server that several replicas share. Read `engine.py` first, then `keys.py`."""
