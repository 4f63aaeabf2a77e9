# The one list of commands. `make help` reads the ## comments.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
export PYTHONPATH := src:.

# The first builder that works here: a docker command may come without its daemon. Docker's format keeps HEALTHCHECK.
IMAGE ?= lectern
BUILDER = $(shell if docker info; then echo docker build; elif podman info; then echo podman build --format docker; \
  elif buildah info; then echo buildah build --layers --format docker; fi 2>/dev/null | tail -n 1)

.PHONY: help run test test-loads faults chaos fuzz test-browser test-retrieval image image-test load bench bench-peers soak counts \
  counts-baseline profile check format lock oracle clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

.venv/dev.installed: requirements.txt requirements-dev.txt requirements-model.txt
	@./entrypoint.sh install dev

run: ## Serve on http://localhost:7860 (PORT changes it)
	./entrypoint.sh

# One process more than cores: half of the tests wait for servers that they start. Coverage costs half as much again, so
# it is measured with COV=1.
test: .venv/dev.installed ## Run the whole test suite on all cores (COV=1 measures its coverage)
	$(BIN)/pytest -n $$(($$($(BIN)/python -c 'import os; print(os.cpu_count())') + 1)) --dist worksteal \
	  $(if $(COV),--cov --cov-report=term:skip-covered)

faults: .venv/dev.installed ## Break what the service leans on, and print what was seen (about five minutes)
	$(BIN)/pytest tests/faults -n 2

chaos: .venv/dev.installed ## Cut 200 streams and end the workers under them, on SQLite and on Postgres (CHAOS_SEED; three minutes)
	$(BIN)/pytest tests/chaos/test_two_hundred.py

test-loads: .venv/dev.installed ## Test the load tests, the bench and the stub model themselves (three minutes)
	$(BIN)/pytest tests/loadtests -n 3 --dist worksteal

test-browser: .venv/dev.installed ## Use the chat page and the widget in a real Chromium (two minutes)
	$(BIN)/pytest tests/browser

fuzz: .venv/dev.installed ## Send thousands of made-up requests to every route, as several callers (SEED, CASES, SECONDS; minutes)
	$(BIN)/pytest tests/fuzz $(if $(SEED),--fuzz-seed $(SEED)) $(if $(CASES),--fuzz-cases $(CASES)) \
	  $(if $(SECONDS),--fuzz-seconds $(SECONDS))

test-retrieval: .venv/dev.installed ## Measure retrieval with the local model on a real site, if it is at hand (minutes)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -m slow tests/evaluation

image: ## Build the image with docker, podman or buildah, whichever works here (IMAGE names it)
	@builder="$(BUILDER)"; test -n "$$builder" || { echo "This wants docker with its daemon, podman or buildah." >&2; exit 69; }; \
	set -x; $$builder --tag $(IMAGE) $(BUILD_ARGS) .

image-test: .venv/dev.installed ## Build the image and run it under a Space's restrictions (needs root; minutes when cold)
	tests/image/install-parts.sh
	$(BIN)/pytest tests/image -o timeout=600

load: .venv/dev.installed ## 50 readers for a minute against a server and a stub of its own, or HOST=https://… politely
	$(BIN)/python -m loadtests.run --shape $(or $(SHAPE),steady)

bench: .venv/dev.installed ## Measure every figure of docs/performance.md, or ONLY=chats,saturation (minutes)
	$(BIN)/python -m loadtests.bench $(if $(ONLY),--only $(ONLY))

soak: .venv/dev.installed ## Half an hour of steady readers (SECONDS changes it): memory, descriptors and threads stay flat
	$(BIN)/python -m loadtests.soak

counts: .venv/dev.installed ## Count instructions of requests and tokens (needs valgrind), and compare with the committed ones
	$(BIN)/python -m tests.counts

counts-baseline: .venv/dev.installed ## Write what is counted now to the file that is committed
	$(BIN)/python -m tests.counts --update

bench-peers: .venv/dev.installed ## Measure hayhooks, a LiteLLM proxy and a ChatKit server beside it (installs them; minutes)
	$(BIN)/python -m loadtests.peers $(if $(WRITE),--write $(WRITE))

profile: .venv/dev.installed ## Profile one kind of request, REGION=turn, long, json, follow_up, search or health
	$(BIN)/python -m tests.counts.workload --profile $(or $(REGION),turn)

check: .venv/dev.installed ## Lint, format, types, import map, spelling, Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/hadolint Dockerfile

format: .venv/dev.installed ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Compile the exact, hashed requirements from the .in files (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-mcp.in -o requirements-mcp.txt

oracle: ## Build the route and anchor test data with the real Docusaurus (needs Node 20)
	tests/ingest/docusaurus/build.sh

clean: ## Remove what was built (never the data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*
