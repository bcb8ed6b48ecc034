# Two commands matter: `make demo` runs the product's main job, `make test` installs what the tests need and runs them.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench crash soak converge fuzz system-packages clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

$(VENV)/bin/python:
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/.test-installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.demo-installed

demo: $(VENV)/.demo-installed ## Run the main job here: real calendars light real lamps (ARGS="--script" without a screen)
	@$(BIN)/lamplighter demo $(ARGS)

system-packages:
	@deploy/install-test-packages

test: $(VENV)/.test-installed system-packages ## Install everything the tests need, then run them all
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: $(VENV)/.test-installed ## Formatting, linting, typing, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.test-installed ## Measure everything, beside Kamailio if it is installed; ARGS=--short compares counts only
	$(BIN)/python -m tests.bench $(ARGS)

crash: $(VENV)/.test-installed ## Kill the service 200 times under load and check every promise (ARGS="--kills 1000")
	$(BIN)/python -m tests.crash --report build/crash $(ARGS)

fuzz: $(VENV)/.test-installed ## Fuzz what comes from the network, guided by coverage (ARGS="--seconds 600 messages")
	$(BIN)/python -m tests.fuzz.guided $(ARGS)

converge: $(VENV)/.test-installed ## Thousands of networks that lose, double and reorder, in simulated time
	$(BIN)/python -m tests.convergence $(ARGS)

soak: $(VENV)/.test-installed ## Half an hour of coming and going; memory and tables must stay as they are
	$(BIN)/python -m tests.soak --report build/soak $(ARGS)

format: $(VENV)/.test-installed ## Put the code in its standard form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what was made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
