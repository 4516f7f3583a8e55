# Every target makes what it needs: a bare clone and Python 3.11 are enough.
#
#   make demo      sell 20,000 ACME through two venues and check every account   (about a minute)
#   make test      the whole test suite
#   make crash N=200   kill -9 the gateway N times in mid-write and count violations
#   make interop   QuickFIX as the EMS (needs Debian's libquickfix-dev and g++)
#   make conformance   the public acceptance definitions of FIX sessions, and our own
#   make bench     round trips and throughput against a bare byte relay
#   make check     formatting, lint, types, import contracts
#   make clean     remove what these targets made

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
N ?= 20
SHARED ?= ../shared
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test crash interop conformance bench check clean
.DEFAULT_GOAL := test

.venv/runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed, {sys.executable} is {v.major}.{v.minor}: set PYTHON=")'
	@test -x $(BIN)/python || { echo "making .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing what the gateway needs"
	@$(PIP) -e .
	@touch $@

.venv/dev: .venv/runtime
	@echo "installing what the tests need"
	@$(PIP) -e '.[dev]'
	@touch $@

demo: .venv/runtime
	@$(BIN)/sor-gateway demo

test: .venv/dev
	@$(BIN)/python -m pytest

crash: .venv/dev
	@$(BIN)/python -m tests.crash.run --kills $(N)

interop: .venv/dev
	@$(BIN)/python -m pytest tests/interop

conformance: .venv/dev
	@$(BIN)/python -m tests.conformance.run --shared $(SHARED)

# Built from source, which takes some minutes; without it the benchmark has fewer arms.
.venv/bench: .venv/dev
	@echo "building QuickFIX's Python binding, once (about ten minutes; log in .venv/bench.log)"
	@$(PIP) -e '.[bench]' >.venv/bench.log 2>&1 || echo "it could not be built: the benchmark goes on without it"
	@touch $@

bench: .venv/bench
	@$(BIN)/python -m benchmarks.bench

check: .venv/dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:
	rm -rf .venv build *.egg-info var .pytest_cache .mypy_cache .ruff_cache .hypothesis
