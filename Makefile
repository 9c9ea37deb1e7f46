# `make compare` and `make test` each do all set-up on a fresh machine: Python 3.11 or newer with venv is all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= gapkit-out

# One thread a process: small products on shared cores are slower with two.
export OMP_NUM_THREADS ?= 1

.PHONY: compare test lint types bench figures docs clean

compare: $(VENV)/.ready
	$(BIN)/gapkit compare --out $(OUT)

test: $(VENV)/.ready lint types
	$(BIN)/pytest

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready
	$(BIN)/mypy

bench: $(VENV)/.ready
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

# Every figure and its caption from the committed results; nothing is trained.
figures: $(VENV)/.ready
	for script in $(filter-out %/publish.py %/page.py,$(wildcard figures/*.py)); do \
		echo $$script; MPLBACKEND=Agg $(BIN)/python $$script || exit 1; done
	$(BIN)/python figures/page.py

docs: $(VENV)/.ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[io,offline,offline-image,clip,tune,docs]" --group dev
	# Their own pins fit no recent Python; gapkit reads only the weights.
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps aisfx
	touch $@

clean:
	rm -rf $(VENV) $(OUT)
