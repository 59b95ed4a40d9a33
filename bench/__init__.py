"""Side-by-side measurements. Read `run.py` first."""
