# Two commands matter: `make run` and `make test`. `make` alone lists the others.
# Needed beforehand: Linux, Python 3.11 or newer with venv, and make.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup setup-dev run demo test check peers bench pictures lock
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --group build pyproject.toml

# The first interpreter that is new enough and can make a virtual environment; `make PYTHON=/path setup` takes another.
GOOD := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3,\
	$(shell $(name) -c "$(GOOD)" 2>/dev/null && command -v $(name))))

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo '  A part of the tests: make test ARGS="tests/escalation -x"; another port: HELPDESK_PORT=9000 make run'

setup: $(VENV)/.project ## make .venv with all that running needs (about a minute, once)

setup-dev: $(VENV)/.project $(VENV)/.dev ## the same, and all that working on it needs

run: setup ## start it: database, web and worker in one process; prints addresses and sign-ins
	@$(BIN)/helpdesk up $(ARGS)

demo: setup ## play messages into a running house (in a second terminal)
	@$(BIN)/helpdesk demo $(ARGS)

# A finding of `check` does not hide what the tests say: both run, and either one fails the target.
test: peers setup-dev ## all checks and all tests, with real peers where this machine has them
	@failed=0; \
	$(MAKE) --no-print-directory check || failed=1; \
	$(BIN)/python -m pytest --durations=15 --durations-min=1 $(ARGS) || failed=1; \
	exit $$failed

check: setup-dev ## format, lint, types, directions of imports; all of them, whatever one finds
	@failed=0; \
	for step in "ruff format --check --quiet ." "ruff check --quiet ." "mypy" "lint-imports"; do \
		echo "$$step"; $(BIN)/$$step || failed=1; \
	done; \
	exit $$failed

peers: # as root: the mail server, PostgreSQL, browser … that tests talk to; else says what is skipped
	@sh tests/install_peers.sh

bench: setup-dev ## measure intake, lists and search beside bare endpoints
	@$(BIN)/python -m bench $(ARGS)

pictures: setup-dev ## photograph the pages for the documentation
	@$(BIN)/python -m tests.browser.pictures $(ARGS)

lock: ## resolve the dependencies again after a change in pyproject.toml (needs uv)
	$(LOCK) --output-file requirements/run.txt
	$(LOCK) --extra dev --output-file requirements/dev.txt

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Needed: Python 3.11 or newer with venv (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) …"
	@"$(PYTHON)" -m venv --clear $(VENV)

# Stamps: nothing is asked of the network while the locks are older than them.
$(VENV)/.run: requirements/run.txt | $(BIN)/python
	@echo "Installing what running needs …"
	@$(PIP) --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@$(PIP) install --quiet --use-pep517 --require-hashes --requirement requirements/run.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what tests and checks need …"
	@$(PIP) install --quiet --use-pep517 --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.run
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
