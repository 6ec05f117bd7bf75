# Needs Python 3.11 or newer, git and make; everything else is fetched into .venv and the user's cache.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test chaos dashboards bench lint chart lock dist licences sbom audit clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
# Test processes: more than two cores can feed, since most tests wait for Kafka, a feed or a clock.
WORKERS ?= 3
# The first that exists and is new enough: a name alone says nothing where a version manager puts a stub in its place.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

demo: $(STAMP) ## Everything on this machine, to look at: make demo ARGS="--seconds 20"
	@$(BIN)/benzinga-kafka demo $(ARGS)

test: $(STAMP) ## All tests, with branch coverage: make test ARGS="-k gaps --no-cov"
	@$(BIN)/python -m pytest --cov --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

dashboards: $(STAMP) ## Grafana dashboards from the package observability
	@$(BIN)/python -m observability

chaos: $(STAMP) ## Ten minutes of faults, then all is counted: make chaos ARGS="--seed 7 --seconds 60"
	@$(BIN)/python -m tests.chaos $(ARGS)

bench: $(STAMP) ## Speed and latency of the whole path: make bench ARGS="..."
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(STAMP) ## Linter, formatter and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

chart: $(STAMP) ## What of the Helm chart follows from elsewhere: schema, README, topics, versions
	@$(BIN)/python -m helm.generate

dist: $(STAMP) ## A release's parts in dist/: wheel, sdist, chart package, image context
	@$(BIN)/python -m scripts.dist

licences: $(STAMP) ## Under which licences stands what is installed; fails for one that is not allowed
	@$(BIN)/python -m scripts.licences

sbom: $(STAMP) ## CycloneDX bill of materials from the lock file, in dist/
	@mkdir -p dist
	@$(BIN)/python -m scripts.sbom dist/benzinga-kafka.cdx.json

audit: $(STAMP) ## Known vulnerabilities of the lock file's packages; without a network it says that nothing was checked
	@$(BIN)/python -m scripts.audit $(ARGS)

lock: $(STAMP) ## Lock files from pyproject.toml: make lock ARGS=--upgrade
	$(LOCK) --extra embedded --extra otel --group dev --output-file requirements-dev.lock $(ARGS)
	$(LOCK) --extra embedded --constraint requirements-dev.lock --output-file requirements-embedded.lock $(ARGS)
	$(LOCK) --constraint requirements-dev.lock --output-file requirements.lock $(ARGS)
	$(LOCK) --extra otel --constraint requirements-dev.lock --output-file requirements-otel.lock $(ARGS)
	$(subst pyproject.toml,,$(LOCK)) --group build --constraint requirements-dev.lock --output-file requirements-build.lock $(ARGS)
	$(BIN)/python -m connector.embedded.relock

clean: ## Remove what the other targets made here
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find connector tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# Every package is checked against its hash; the project itself is then built with what is installed, offline.
$(STAMP): pyproject.toml requirements-dev.lock connector/__init__.py
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed and was not found; install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || \
		{ echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(PIP) install --quiet --no-deps --no-compile --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@
