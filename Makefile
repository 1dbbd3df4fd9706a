# Every target does the set-up that it needs. Python 3.11+ and make are all that must be there.
.DEFAULT_GOAL := help
.PHONY: help setup apps run test check lint fix screenshots bench audit clean

# More arguments for the command: make run ARGS="--port 8001", make test ARGS="-k ledger"
ARGS ?=
BIN := .venv/bin
# `auto`: one process more than there are processors, each with a database server of its own. One
# that has no more tests takes half of what another one still has.
TEST_PROCESSES ?= auto

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the locked packages into .venv (the other targets do it by themselves)
	@scripts/setup

apps: setup ## Build the two web apps (run, test and lint do it by themselves)
	@scripts/apps

run: apps ## Run the platform with demo data at http://127.0.0.1:8000
	@exec $(BIN)/huitong up --demo $(ARGS)

test: apps ## Run the tests, on a PostgreSQL of their own and in a browser
	@scripts/browser
	@$(BIN)/pytest -n $(TEST_PROCESSES) --dist worksteal $(ARGS)

lint: setup ## Check format, style, types, room contracts and security
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@scripts/apps check
	@# Types take as long as the rest together, so they are checked beside it.
	@$(BIN)/mypy & types=$$!; \
	$(BIN)/lint-imports && $(BIN)/bandit --quiet --recursive --configfile pyproject.toml src; \
	rest=$$?; wait $$types && exit $$rest

check: lint test ## What CI runs: lint, then test

fix: setup ## Format, and repair what can be repaired automatically
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

screenshots: apps ## Take the pictures of the docs anew
	@scripts/browser
	@$(BIN)/pytest -q -p no:cacheprovider tests/apps/take_pictures.py

bench: setup ## Run all benchmarks; results go to bench/results
	@$(BIN)/huitong bench all $(ARGS)

audit: setup ## Ask PyPI about known vulnerabilities of the locked packages
	@scripts/audit

clean: ## Remove the environment and all caches; data in ./var stays
	@rm -rf .venv-node apps/node_modules apps/.state src/huitong/api/built
	@rm -rf .venv .venv-tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
