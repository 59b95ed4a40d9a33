# Everything a developer types. `make help` lists it; only Python ≥ 3.11 and make are needed (and Node for the partner tests).
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# The environment is current while pyproject.toml is what it was at the last install.
STAMP := $(VENV)/.installed-$(shell cksum < pyproject.toml | tr -d ' \t')
# Most of a test of the whole program is waiting: more workers than cores, and whoever is done takes from the others.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 2) + 1)' 2>/dev/null || echo 4)
PYTEST ?= -n $(WORKERS) --dist worksteal
NAME ?=

.DEFAULT_GOAL := help
.PHONY: help install demo story test quick check format generated bench proof clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## make .venv with Muster and what its development needs

$(STAMP):
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later is needed (set PYTHON=...)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@rm -f $(VENV)/.installed-*
	@touch $@

demo: install  ## run a small IdP and a small app with Muster in front (Ctrl-C ends it)
	@$(BIN)/muster demo

story: install  ## play the demonstration unattended and check every step
	@$(BIN)/muster demo --story

test: install  ## prepare the real partners, then run every test (PYTEST="-k name" chooses)
	@PYTHON=$(abspath $(BIN)/python) tests/partners/prepare.sh || echo "make: some partners are missing; their tests are skipped (CI=true makes that a failure)"
	$(BIN)/python -m pytest $(PYTEST)

quick: install  ## run the tests that need no partner and no whole program
	$(BIN)/python -m pytest $(PYTEST) tests/unit tests/laws tests/contract tests/conformance tests/docs tests/bench -m 'not partner'

check: install  ## lint, format, types, layers, and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m proxy.settings.generate --check

format: install  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generated: install  ## write config/reference.yaml, config/schema.json and docs/settings.md from the settings
	$(BIN)/python -m proxy.settings.generate

bench: install  ## measure Muster beside other proxies (docs/bench.md; BENCH_SECONDS sets a run's length)
	@PYTHON=$(abspath $(BIN)/python) bench/prepare.sh || echo "make: what is missing is left out of the measurement"
	$(BIN)/python -m bench

proof: install  ## run the long scenarios (NAME=... chooses one; STREAM=1GiB streams that much)
	HYPOTHESIS_PROFILE=proof STREAM="$(STREAM)" $(BIN)/python -m proof $(NAME)

clean:  ## remove caches and what the demo made (not .venv)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .demo bench/out proof/out
