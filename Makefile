# `make compare` and `make test` each do all set-up on a fresh machine: Python 3.11 or newer with venv is all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= gapkit-out

# One thread a process: small products on shared cores are slower with two.
export OMP_NUM_THREADS ?= 1

.PHONY: compare browser test lint types bench clean

compare: $(VENV)/.ready
	$(BIN)/gapkit compare --out $(OUT)

test: $(VENV)/.ready browser lint types
	$(BIN)/pytest

# The tests of the report page look at it in a browser; where none can be had they are skipped and say so.
browser:
	sh .ci/browser

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready
	$(BIN)/mypy

bench: $(VENV)/.ready
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[io,offline,offline-image,clip,tune,page]" --group dev
	# Their own pins fit no recent Python; gapkit reads only the weights.
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps aisfx
	touch $@

clean:
	rm -rf $(VENV) $(OUT)
