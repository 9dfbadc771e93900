# Needs Python 3.11 and make; `kafka` also Java 17 and Maven, or use Docker: see README.md.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.set-up
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: setup demo test check format bench bench-short fuzz kafka lock clean

setup: $(STAMP)

# Again only when the lock or the project's description changed. The lock names hashes, and no hosts.
$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not installed; make PYTHON=/path/to/python3.11 setup" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	$(BIN)/evledger demo

# Each worker has a PostgreSQL and a Kafka of its own. The many small modules come last and even out the ends.
WORKERS ?= 2
test: setup
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.architecture.dead_code

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m benchmarks all

bench-short: setup
	$(BIN)/python -m benchmarks all --short

# Looks for input that a reader of untrusted bytes fails on: make fuzz SECONDS=3600 SEED=7
SECONDS ?= 300
SEED ?= 1
fuzz: setup
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

# Apache Kafka on 127.0.0.1:9092 without Docker, in the foreground; the jars are kept in .kafka/.
kafka: setup
	$(BIN)/python -m evledger.broker

# After a change of dependencies. The lock must not name the host it was made from.
lock:
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
		--generate-hashes --output-file requirements.lock

clean:
	-$(BIN)/evledger db stop
	rm -rf .venv .evledger .kafka .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
