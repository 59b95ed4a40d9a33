"""The one composition root: builds every room from the settings, starts and stops them. Read `serve.py` first."""
