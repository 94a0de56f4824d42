# Afterglow. `make help` lists every target. Needs Python 3.11 and make only.
.DEFAULT_GOAL := help
SHELL := /bin/bash
UV_VERSION := 0.13.9
UV := .tools/bin/uv
RUN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 3

PYTHON := $(shell for p in python3.11 python3 python; do command -v $$p >/dev/null 2>&1 \
	&& $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help
help: ## list every target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(UV):
	@test -n "$(PYTHON)" || { echo "Afterglow needs Python 3.11 on the PATH (python3.11 --version). Install it and try again."; exit 1; }
	@echo "==> Preparing uv, the package manager (once)"
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.installed: $(UV) pyproject.toml uv.lock
	@echo "==> Installing the environment (once, about 2.6 GB)"
	@$(UV) sync --frozen --no-dev --inexact --python $(PYTHON)
	@touch $@

.venv/.installed-dev: .venv/.installed
	@echo "==> Installing the tools for tests and checks"
	@$(UV) sync --frozen --inexact --python $(PYTHON)
	@touch $@

.PHONY: setup
setup: .venv/.installed ## build the environment

.PHONY: run
run: .venv/.installed ## set everything up and serve on http://127.0.0.1:8000
	@$(RUN)/afterglow serve --demo

.PHONY: train
train: .venv/.installed ## train the dialogue model if its inputs changed
	@$(RUN)/afterglow train

.venv-train/.installed: $(UV) pyproject.toml uv.lock
	@echo "==> Installing the training environment (once, about 4 GB)"
	@UV_PROJECT_ENVIRONMENT=.venv-train $(UV) sync --frozen --only-group train --no-install-project --python $(PYTHON)
	@touch $@

.PHONY: train-reader
train-reader: .venv-train/.installed ## train the triage reader from data/triage (card in docs/triage)
	@PYTHONPATH=. .venv-train/bin/python -m bot.triage.training all
	@echo "Now: make check, and afterglow evaluate triage"

.PHONY: simulate
simulate: .venv/.installed ## play a patient's fortnight in the terminal
	@$(RUN)/afterglow simulate

.PHONY: test
test: .venv/.installed-dev ## run the whole test suite
	@bash scripts/ensure-chromium
	@$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: check
check: .venv/.installed-dev ## lint, types, dependency direction, clinical content, triage floors
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-cache
	@$(RUN)/afterglow content lint
	@$(RUN)/afterglow evaluate triage --check
	@echo "check: clean"

.PHONY: format
format: .venv/.installed-dev ## format the code
	@$(RUN)/ruff check --fix-only --quiet . ; $(RUN)/ruff format .

.PHONY: bench
bench: .venv/.installed-dev ## measure triage; turns beside a stock Rasa server; a million check-ins; escalation
	@$(RUN)/python -m benchmarks.triage
	@$(RUN)/python -m benchmarks.turns
	@$(RUN)/python -m benchmarks.follow_up
	@$(RUN)/python -m benchmarks.escalation

.PHONY: kills
kills: .venv/.installed-dev ## kill a server 200 times while alerts run, and print the ledger (an hour)
	@$(RUN)/python -m benchmarks.kills

.PHONY: lock
lock: $(UV) ## refresh uv.lock after a change in pyproject.toml
	@$(UV) lock

.PHONY: clean
clean: ## remove the environment, models and local data
	rm -rf .venv .venv-train .tools var models/*.tar.gz models/.trained
