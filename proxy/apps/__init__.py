"""Speaks to an app's own admin API as a preset describes it. Read `preset.py`, then `rest.py`; presets stand in `config/apps`."""
