# Needs Python 3.11 or newer, and make. `make help` lists what there is.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# For make bench: the folder of the tables. Peers get environments of their own in .peers.
DATA ?= data
PEERS := .peers
# The tool that builds the site, in an environment of its own.
SITE := .site

.PHONY: help demo test mutants lint docs site bench bench-quick clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## a synthetic cohort from public data, with report and statement
	$(BIN)/wardveil demo

test: $(VENV)/tested ## every test
	$(BIN)/python -m pytest -n $(WORKERS) -q

mutants: $(VENV)/tested ## break our own source in a hundred ways; every one must be noticed
	$(BIN)/python tests/mutation/run.py

lint: $(VENV)/tested ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/tested ## write the generated pages anew
	$(BIN)/python tests/docs/cli_page.py
	$(BIN)/python benchmarks/page.py
	$(BIN)/python tests/docs/reference_pages.py
	$(BIN)/python tests/docs/results_page.py

site: $(SITE)/installed ## docs/ as pages in site/, to be read without a network
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet --strict
	@echo "Open site/index.html"

bench: $(VENV)/tested ## every method on every table of DATA, for hours; then the page
	$(BIN)/python benchmarks/compare.py --data $(DATA) --cache $(PEERS)
	$(BIN)/python benchmarks/page.py

bench-quick: $(VENV)/tested ## ours and two peers on the bundled cohort, in minutes
	$(BIN)/python benchmarks/compare.py --data $(DATA) --cache $(PEERS) --again \
		--results $(PEERS)/quick.jsonl --tables nhefs --seeds 0 \
		--methods marginal independent medical-cgan smartnoise-mst ctgan-ctgan

clean: ## remove the virtual environments, the site and caches
	rm -rf $(VENV) $(SITE) site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# A stamp file each, so that a second call installs nothing.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@touch $@

$(VENV)/tested: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/installed

$(SITE)/installed: constraints.txt | $(BIN)/python
	$(BIN)/python -m venv $(SITE)
	$(SITE)/bin/python -m pip install -q -c constraints.txt mkdocs-material
	@touch $@
