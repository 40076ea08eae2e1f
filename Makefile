# make demo: a short real training run, then real inference.   make web: the web page.   make test: lint and all tests.
# Each sets up .venv by itself. PYTHON=python3.12 chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
MODEL ?= translator-digits

.PHONY: help setup demo web test lint train clean
help:
	@sed -n '1,2s/^# //p' Makefile
	@echo "make train MODEL=translator-ascii: trains a preset.   make setup, lint, clean: as they say."

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python 3.11 or newer is needed; received $$($(PYTHON) --version 2>&1); try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "error: Python cannot make virtual environments; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 2; }
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

demo: setup
	$(BIN)/python demo.py

web: setup
	$(BIN)/python app.py

test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

train: setup
	$(BIN)/python train.py $(MODEL)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis __pycache__ tests/__pycache__ benchmarks/__pycache__
