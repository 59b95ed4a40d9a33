"""Data that comes with the program: admin-API presets in `apps/`, example configurations in `examples/`."""
