# Two commands matter: `make demo` runs the product's main job, `make test` installs what the tests need and runs them.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL := help
COMPILED := build/compiled
# The compiled modules before those of the checkout.
ON_COMPILED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/$(COMPILED):$(CURDIR)

.PHONY: help demo test test-compiled compiled check format bench crash soak converge fuzz system-packages clean

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

$(COMPILED)/.built: setup.py pyproject.toml $(shell find agent connectors rules -name '*.py') | $(VENV)/.test-installed
	@echo "Compiling the hot path; this takes one to two minutes."
	@rm -rf $(COMPILED) build/lib.* build/lib build/temp.*  # where setuptools would find what is compiled no longer
	@MYPYC=1 $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(COMPILED) .
	@touch $@

compiled: $(COMPILED)/.built ## Compile the hot path into build/compiled (needs a C compiler and Python's headers)

# Fuzzing guided by coverage watches Python's own steps, so it stays with the sources.
test-compiled: $(VENV)/.test-installed system-packages $(COMPILED)/.built ## The server's tests on the compiled hot path
	$(ON_COMPILED) EXPECT_COMPILED=1 $(BIN)/python -m pytest -n auto --dist loadfile --import-mode=append $(ARGS) \
		--ignore=tests/fuzz/test_guided.py tests/test_compiled.py tests/agent/sip tests/agent/net tests/agent/presence tests/agent/server tests/agent/store \
		tests/agent/documents tests/agent/publisher tests/fuzz tests/conversations tests/convergence tests/crash tests/torture

bench: $(VENV)/.test-installed $(if $(findstring --short,$(ARGS)),,$(COMPILED)/.built) ## Measure everything, beside Kamailio if it is installed; ARGS=--short compares counts only
	$(if $(findstring --short,$(ARGS)),,$(ON_COMPILED)) $(BIN)/python -m tests.bench $(ARGS)

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
