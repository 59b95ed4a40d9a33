"""The command `muster`: one file a command, imported only when it runs. Read `main.py` first."""
