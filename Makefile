# Everything a person or a CI machine does here. `make help` lists the targets.
# Needs make, a Python >= 3.11 and a package index; uses uv when it is installed.

SHELL = /bin/sh
VENV = .venv
BIN = $(VENV)/bin
DUCKDB2 = .tools/venv-duckdb2
CLIENTS = .tools/venv-clients
FOUND = .tools/compatibility
# The compiler finds its plugin on the path.
WIRE = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/generate_wire.py
PINS = pyproject.toml constraints.txt tools/make-venv.sh

.DEFAULT_GOAL = help
.PHONY: help demo test conformance compatibility check bench wire clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1  \2/p' Makefile

demo: $(VENV)/.demo ## three nodes, real questions, one node killed: nothing fails
	@$(BIN)/python -m examples.demo

# Tests of a file share nodes and servers, so a file goes to one process; of the last line's tests most of
# the time is waiting, and nothing of one is another's: ports, networks, folders, ZooKeeper's chroots.
test: $(VENV)/.dev $(DUCKDB2)/.test $(CLIENTS)/.test ## set up what is missing, then run every test
	@tools/get-zookeeper.sh
	$(DUCKDB2)/bin/python -m pytest tests/flight_server -q -n 2 -m "not zookeeper and not cluster and not lake"
	$(BIN)/python -m pytest tests -q -n 2 -m "not zookeeper and not cluster and not foreign" \
		--ignore tests/conformance/test_sqlalchemy_suite.py --compatibility-json $(FOUND)/test.json
	$(BIN)/python -m pytest tests/conformance/test_sqlalchemy_suite.py -q \
		--compatibility-json $(FOUND)/sqlalchemy.json
	NODE_PYTHON=$(CURDIR)/$(BIN)/python $(CLIENTS)/bin/python -m pytest -q -W ignore \
		tests/conformance/clients --compatibility-json $(FOUND)/clients.json
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "zookeeper or cluster"

conformance: $(VENV)/.dev ## drive nodes with clients in Java, Go, JavaScript and Rust; needs their toolchains
	@tools/get-zookeeper.sh
	@tools/foreign-clients.sh
	$(BIN)/python -m pytest tests/conformance/foreign -q -n 2 --dist loadgroup -m foreign \
		--compatibility-json $(FOUND)/foreign.json

compatibility: $(VENV)/.dev ## write docs/compatibility.md from what test and conformance reported
	$(BIN)/python tools/compatibility.py

check: $(VENV)/.dev ## format, lint, types, import contracts, spelling, generated files, style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy examples
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/validate-pyproject pyproject.toml
	$(WIRE) --check
	$(BIN)/python tools/compatibility.py --check
	$(BIN)/python -m pytest -q tests/test_tidy.py tests/deploy

bench: $(VENV)/.bench ## measure, beside raw Flight, DuckDB in process and DuckDB's own server
	@tools/get-zookeeper.sh
	$(BIN)/python -m benchmarks --json benchmarks/results/latest.json
	$(BIN)/python -m benchmarks.parallel --json benchmarks/results/parallel.json
	$(BIN)/python -m benchmarks.gateway --json benchmarks/results/gateway.json
	$(BIN)/python -m benchmarks.failover --json benchmarks/results/failover.json
	$(BIN)/python -m benchmarks.tables --json benchmarks/results/tables.json
	$(BIN)/python -m benchmarks.writers --json benchmarks/results/writers.json
	$(BIN)/python -m benchmarks.turns --json benchmarks/results/turns.json
	$(BIN)/python -m benchmarks.roundtrips --json benchmarks/results/roundtrips.json
	$(BIN)/python -m benchmarks.warmth --json benchmarks/results/warmth.json

wire: $(VENV)/.dev ## compile the .proto files
	$(WIRE)

clean: ## remove what was made here, environments too
	rm -rf $(VENV) .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.demo: $(PINS)
	@tools/make-venv.sh $(VENV) constraints.txt demo
	@touch $@

$(VENV)/.dev: $(PINS)
	@tools/make-venv.sh $(VENV) constraints.txt demo test check wire conformance storage
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.dev
	@tools/make-venv.sh $(VENV) constraints.txt bench
	@touch $@

$(DUCKDB2)/.test: $(PINS)
	@mkdir -p $(DUCKDB2)
	@sed 's/^duckdb==.*/duckdb==2.0.0/' constraints.txt > $(DUCKDB2)/constraints.txt
	@tools/make-venv.sh $(DUCKDB2) $(DUCKDB2)/constraints.txt test
	@touch $@

$(CLIENTS)/.test: pyproject.toml constraints-clients.txt tools/make-venv.sh
	@tools/make-venv.sh $(CLIENTS) constraints-clients.txt
	@touch $@
