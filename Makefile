PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# A Python that runs: PYTHON itself, or one of that name that pyenv has but does not show.
RUNS   := $(shell $(PYTHON) -c '' 2>/dev/null && echo '$(PYTHON)' || \
            ls -d "$$(pyenv root 2>/dev/null)"/versions/*/bin/'$(PYTHON)' 2>/dev/null | tail -n 1)
SAY    := -c 'import sys; print("%d.%d" % sys.version_info[:2])'
HAS    := $(shell $(BIN)/python $(SAY) 2>/dev/null)
# Where nothing is said, .venv stays as it is.
ASKED  := $(if $(filter file,$(origin PYTHON)),$(HAS),$(if $(RUNS),$(shell $(RUNS) $(SAY)),none))
OTHER  := $(filter-out $(HAS),$(ASKED))
AGAIN  := $(if $(LATEST),$(if $(filter newest,$(shell cat $(READY) 2>/dev/null)),,again))$(OTHER)

.DEFAULT_GOAL := help
.PHONY: help install lock again run test test-quick mutants check record format bench bench-gpu clean

help: ## List these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Make .venv and install the tested versions (LATEST=1: the newest; PYTHON=python3.12: another Python)

$(READY): setup.cfg pyproject.toml requirements.lock $(if $(AGAIN),again)
	$(if $(RUNS),,$(error $(PYTHON) does not run here; give the path of a Python from 3.10 on: make PYTHON=/path/to/python3 $(MAKECMDGOALS)))
	$(if $(and $(HAS),$(OTHER)),@echo '.venv is made anew with Python $(ASKED): it had $(HAS)')
	$(if $(and $(HAS),$(if $(OTHER),,same)),,$(RUNS) -m venv --clear $(VENV))
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(if $(LATEST),--upgrade --upgrade-strategy eager,--constraint requirements.lock) --editable '.[dev]'
	echo $(if $(LATEST),newest,tested) >$@

lock: $(READY) ## Write requirements.lock anew: the newest versions that fit together, for every Python from 3.10 on
	$(BIN)/uv pip compile setup.cfg --extra dev --extra cpu --universal --python-version 3.10 --upgrade --quiet \
	  --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --output-file requirements.lock

run: $(READY) ## Run the whole pipeline on what luigi.cfg says (as shipped: the demo)
	$(BIN)/luigi --module pipeline RunAll

test: $(READY) ## Run the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-quick: $(READY) ## Run the tests that need no run of the whole pipeline
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not whole_run"

mutants: $(READY) ## Break single expressions of the code that decides results, and see which no test notices: docs/mutants.md
	$(BIN)/python -m pip install --quiet 'mutmut>=3.8,<4'
	env -u PYTHONPATH OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

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
	rm -rf $(VENV) mutants .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build *.egg-info
