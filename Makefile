# Every target makes what it needs: a bare clone and Python 3.11 are enough.
#
#   make demo      sell a block of 300,000 through seven venues, check every account   (1 to 2 minutes)
#   make test      the whole test suite
#   make block     the same scenario in one process in virtual time, its journals byte for byte   (ARGS="--runs 1 --hash-seeds 2")
#   make crash N=200   kill -9 the gateway in mid-write, venues and the EMS, with faults on, and count violations
#   make soak      1,000 parents from three EMS sessions, venues that reject, fade and die   (minutes)
#   make interop   QuickFIX as the EMS and as a venue (needs Debian's libquickfix-dev and g++; 789 needs PyPI's quickfix, built once)
#   make conformance   the public acceptance definitions of FIX sessions, and our own
#   make compose-test  the stack under Docker Compose, driven from outside (needs a Docker engine)
#   make session-pairs N=100000   random walks of two sessions over a bad line
#   make fuzz N=10000000   feed so many fuzzed messages to decoder and session
#   make compiled  the gateway with all that an order passes compiled to C by profile, in build/compiled: for production
#   make test-compiled   the tests of what passes through it, on compiled code   (CODE=build/compiled: on that of production)
#   make faults SEEDS=100   every fault of the venues with so many seeds, then once over real sockets; a table
#   make bench     round trips and throughput against a bare byte relay
#   make hostile   a quiet session beside peers that flood, stall, stay silent or ask for everything
#                  (a quarter of an hour on a machine with nothing else to do; a quick look: ARGS="--seconds 10 --messages 100000")
#   make bench-routing   allocation against published results, routing against simple routers (long; ARGS=--quick)
#   make bench-decisions   what the router takes to decide, by venues and live parents (two minutes; ARGS=--quick)
#   make naive N=100000   the matchers against obvious ones, so many random commands each
#   make bench-venue   orders a second of one venue process beside its market, against a bare echo
#   make venues-report   the simulated market against the stylised facts of real ones (minutes)
#   make check     formatting, lint, types, import contracts
#   make clean     remove what these targets made

# The system's own before others: distributions build theirs by profile, which is a quarter of the time; one built from
# source by default is not. It has to be able to make an environment, and extensions in C.
CAN_BUILD := import ensurepip, os, sys, sysconfig, venv; \
    sys.exit(sys.version_info < (3, 11) or not os.path.exists(sysconfig.get_path("include") + "/Python.h"))
ifndef PYTHON
PYTHON := $(shell for each in /usr/bin/python3.11 python3.11 python3; do \
    if $$each -c '$(CAN_BUILD)' 2>/dev/null; then command -v $$each; exit; fi; done; command -v python3.11 || command -v python3)
endif
BIN := .venv/bin
N ?= 20
PARENTS ?= 1000
SEEDS ?= 3
JOBS ?= 2
SCENARIO ?= block
SHARED ?= ../shared
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: block compiled test-compiled demo test crash interop conformance bench check clean compose-test soak session-pairs fuzz hostile bench-routing naive bench-venue venues-report faults bench-decisions
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
	@$(BIN)/sor-gateway demo --scenario $(SCENARIO)

test: .venv/dev
	@$(BIN)/python -m pytest

block: .venv/dev
	@$(BIN)/python -m tests.harness.block $(ARGS)

crash: .venv/dev
	@$(BIN)/python -m tests.crash.run --kills $(N)

# On the harness a seed of all faults takes half a minute of one core. A row whose fault never happened is red.
faults: .venv/dev
	@$(BIN)/python -m tests.faults.run --seeds $(SEEDS) --jobs $(JOBS) $(ARGS)
	@$(BIN)/python -m tests.faults.sockets

soak: .venv/dev
	@$(BIN)/python -m tests.soak.run --parents $(PARENTS)

interop: .venv/bench
	@QUICKFIX_BINDING=required $(BIN)/python -m pytest tests/interop

compose-test: .venv/dev
	@$(BIN)/python -m pytest tests/compose/drive.py

conformance: .venv/dev
	@$(BIN)/python -m tests.conformance.run --shared $(SHARED)

session-pairs: .venv/dev
	@$(BIN)/python -m tests.fix.session_pairs --scenarios $(N)

fuzz: .venv/dev
	@$(BIN)/python -m tests.fix.fuzz --messages $(N)

# The same sources with protocol, translation, router, the turn, connections and journal compiled to C (needs a C
# compiler). PYTHONPATH=build/compiled python -P -m sor_gateway run ... runs it. Built twice, some minutes each: what the
# first build counted under typical work tells the second what to keep together.
SOURCES = setup.py spell.py venue_sims/stepping.py $(shell find sor_gateway -name '*.py')
BUILD = $(BIN)/python setup.py --quiet build --force

build/compiled: .venv/dev benchmarks/training.py $(SOURCES)
	@echo "compiling protocol, translation, router, the turn, connections and journal, to see what they do (1 of 2)"
	@rm -rf $@ build/gather build/objects
	@SOR_COMPILED=gather $(BUILD) --build-temp build/objects --build-lib build/gather
	@echo "running what is typical"
	@$(BIN)/python -m benchmarks.training build/gather
	@echo "compiling by what was seen (2 of 2)"
	@SOR_COMPILED=profiled $(BUILD) --build-temp build/objects --build-lib $@

compiled: build/compiled

# Without a profile: half the time.
build/plain: .venv/dev $(SOURCES)
	@echo "compiling protocol, translation, router, the turn, connections and journal"
	@rm -rf $@
	@SOR_COMPILED=plain $(BUILD) --build-temp build/plain-objects --build-lib $@

# CODE=build/compiled: of the build by profile. Not those that put a function in the place of ours: compiled code cannot
# be changed at run time.
CODE ?= build/plain
test-compiled: $(CODE)
	@PYTHONPATH=$(CURDIR)/$(CODE):$(CURDIR) SOR_COMPILED=yes $(BIN)/python -P -m pytest --import-mode=append \
	    -m "not replaces" tests/test_compiled.py tests/fix tests/translate tests/sor tests/daemon tests/journal tests/conformance \
	    tests/venue_sims/test_stepped.py

# Built from source, which takes some minutes; without it the benchmark has fewer arms.
.venv/bench: .venv/dev
	@echo "building QuickFIX's Python binding, once (about ten minutes; log in .venv/bench.log)"
	@$(PIP) -e '.[bench]' >.venv/bench.log 2>&1 || echo "it could not be built: the benchmark goes on without it"
	@touch $@

bench: .venv/bench compiled
	@$(BIN)/python -m benchmarks.bench

hostile: .venv/dev
	@$(BIN)/python -m benchmarks.hostile $(ARGS)

bench-routing: .venv/dev
	@$(BIN)/python -m benchmarks.routing $(ARGS)

bench-decisions: .venv/dev
	@$(BIN)/python -m benchmarks.decisions $(ARGS)

naive: .venv/dev
	@$(BIN)/python -m tests.venue_sims.matching.fuzz --commands $(N)

# With build/compiled there is an arm for it.
bench-venue: .venv/dev
	@$(BIN)/python -m benchmarks.venue_orders $(ARGS)

venues-report: .venv/dev
	@$(BIN)/python -m benchmarks.venues_report $(ARGS)

check: .venv/dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:
	rm -rf .venv build *.egg-info var .pytest_cache .mypy_cache .ruff_cache .hypothesis
