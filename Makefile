# Needs Python 3.11 or newer with pip and venv, and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: compare test check lint bench guide bugs false-alarms hostile clean

compare: .venv/installed  ## train everything everywhere and compare: make compare ARGS="mnist --steps 100"
	$(BIN)/python compare.py --pictures out $(ARGS)

test: lint  ## lint, check types, run all tests
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --forked-workers $(ARGS)

FAST := comparison comparison_properties contract diagnosis inputs layering noise numpy_ports \
	verdict_properties wire

check: lint  ## lint, check types, run the fast tests, which need NumPy and PyTorch at most
	$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 -k "not tensorflow and not jax" \
		$(FAST:%=tests/test_%.py) $(ARGS)

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/installed  ## time every port against other idioms, peers and floors: make bench ARGS="mnist"
	$(BIN)/python -m bench $(ARGS)

guide: .venv/installed  ## build the translation guide: out/guide/index.html
	$(BIN)/python -m guide $(ARGS)

bugs: .venv/installed  ## plant every bug of the catalogue, and score the judge: make bugs ARGS="--net iris"
	$(BIN)/python -m traps.score $(ARGS)

false-alarms: .venv/installed  ## judge 1,000 draws of correct ports; find how small an error is always caught
	$(BIN)/python -m studies.false_alarms $(ARGS)
	$(BIN)/python -m studies.learning_rate

hostile: .venv/installed  ## try to break the judge: damaged files, hostile ports, odd options, signals
	$(BIN)/python -m studies.hostile $(ARGS)

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	touch $@

clean:
	rm -rf .venv out .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
