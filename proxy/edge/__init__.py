"""The data plane: parses a request head, asks the gate, streams to the app and back. Read `exchange.py` first."""
