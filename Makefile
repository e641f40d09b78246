PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install run test check record format bench bench-gpu clean

help: ## List these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Make .venv and install the project with its tools into it

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

run: $(READY) ## Run the whole pipeline on what luigi.cfg says (as shipped: the demo)
	$(BIN)/luigi --module pipeline RunAll

test: $(READY) ## Run the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(READY) ## Check style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

record: $(READY) ## Record the code of the stages as it is (STAGE=TrainFold for one): docs/rerun.md
	PYTHONPATH=. $(BIN)/python tests/record_stage_versions.py $(STAGE)

format: $(READY) ## Mend what the style check can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## Measure every stage against the peers' ways and the limits (ONLY="decoding training" for some)
	$(BIN)/python -m benchmarks.bench $(if $(ONLY),--only $(ONLY))

bench-gpu: $(READY) ## Measure the network on a CUDA device
	$(BIN)/python -m benchmarks.bench_gpu

clean: ## Remove .venv and every cache (results stay)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build *.egg-info
