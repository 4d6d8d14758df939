# Every task of the project. `make` alone lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: help install explain test style types check bench build clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

# Installing again is left out while neither file has changed.
.venv/installed: pyproject.toml constraints-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints-dev.txt -e '.[dev]'
	@touch $@

install: .venv/installed ## a virtual environment in .venv with everything for development

explain: .venv/installed ## the main job on the packaged model
	$(BIN)/attndsl explain smollm2-135m

test: .venv/installed ## the tests that need no download
	$(BIN)/python -m pytest -n auto

style: .venv/installed ## lint and format check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check attndsl tests/cli tests/job

# On an installed copy, from outside the repository: static checkers do not follow the mapping of folders.
types: .venv/installed ## strict type check
	@rm -rf build && mkdir -p build/types
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation --target build/types . || \
	  $(BIN)/python -m pip install -q --no-deps --target build/types .
	cd build/types && ../../$(BIN)/python -m mypy --config-file ../../pyproject.toml attndsl

check: style types test ## what CI asks for

bench: .venv/installed ## benchmarks
	$(BIN)/python -m pytest benchmarks --benchmark-only

build: .venv/installed ## a wheel in dist/
	$(BIN)/python -m pip wheel -q --no-deps -w dist .

clean: ## remove everything made here, the virtual environment too
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
