"""The long scenarios behind `make proof NAME=...`, one a module; `python -m proof` runs all of them."""
