# Everything is installed into .venv by the targets themselves; `make demo` and `make test` need no other step.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := src tests tools bench examples

.PHONY: demo test check lint format bench memory campaigns engines lock lowest wheel docs catalog clean

demo: $(INSTALLED)  ## the main job on the embedded local stack: fill it, look at it, ask it
	$(BIN)/tattoo-data reset fresh --local
	$(BIN)/tattoo-data status --local
	eval "$$($(BIN)/tattoo-data env --local)" && $(BIN)/python examples/search.py "kobayashi"

test: $(INSTALLED)  ## all tests; TATTOO_DATA_TEST_ENGINES=all adds the real engines
	$(BIN)/pytest -n 2 --dist worksteal -q

check: lint test  ## everything that must hold before a change is handed in

lint: $(INSTALLED)  ## style, types, and the layers of the house
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(INSTALLED)  ## the figures of docs/performance.md, measured here
	$(BIN)/python -m bench

memory: $(INSTALLED)  ## the peak of memory of each command on a million items
	$(BIN)/python -m bench.memory

campaigns: $(INSTALLED)  ## kills, races, faults, damage and writers, each at its whole length
	for name in kills kept migrations flips twins faults writer follow; do $(BIN)/python -m tests.campaigns $$name || exit 1; done

engines: $(INSTALLED)  ## install Amazon DynamoDB Local, OpenSearch 3 and 2, SeaweedFS, elasticdump into .engines; chromium by apt-get
	$(BIN)/python -m tests.engines install

lock: $(INSTALLED)  ## take the newest versions that the ranges allow
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --no-emit-index-url --upgrade \
	    --python-version 3.11 --extra local --extra web --extra dev -o requirements.lock pyproject.toml

lowest: $(INSTALLED)  ## the tests on the oldest versions that the ranges allow
	$(BIN)/pip install --quiet uv
	$(BIN)/uv venv --quiet --clear $(VENV)-lowest
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest --resolution lowest-direct -e '.[local,web,dev]'
	$(VENV)-lowest/bin/pytest -n 2 --dist worksteal -q

wheel: $(INSTALLED)  ## build sdist and wheel, install the wheel into an empty environment, do the main job there
	$(BIN)/pip install --quiet uv
	$(BIN)/python -m tools.check_wheel

docs: $(INSTALLED)  ## write docs/reference/ and the generated tables anew from the code
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.validation_doc
	$(BIN)/python -m tools.sync_doc

catalog: $(INSTALLED)  ## write the dataset and its images anew from tools/
	$(BIN)/python -m tools.build_catalog

clean:
	rm -rf $(VENV) $(VENV)-lowest .engines

$(INSTALLED): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[local,web,dev]'
	touch $@
