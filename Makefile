PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More than two cores: tests wait for engines, builds and Lambdas half of their time.
PROCESSES ?= 3
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo deploy-local test check lint sim mutants fmt bench build build-StreamFunction build-SweepFunction build-WebhookFunction build-ApiFunction clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/ready-demo ## Run the main job on an embedded cloud: orders, a job and a shipment; STORY=ci and others tell more
	@$(BIN)/python -m demo $(STORY)

# For whoever wants an end and an exit code: `make deploy-local ONCE=1`, or THEN='any command'.
THEN ?= $(if $(ONCE),$(abspath $(BIN))/workflow doctor)

deploy-local: $(VENV)/ready-local ## Build and deploy with SAM to an embedded cloud, and run it until Ctrl-C; ONCE=1 looks at it and ends
	@$(BIN)/workflow dev --sam $(if $(THEN),--then '$(THEN)')

test: $(VENV)/ready-dev ## Run every test, on real engines; fetches those it needs
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --ignore tests/performance
	$(BIN)/python -m pytest tests/performance

check: lint ## Lint, types, floors, template, definitions, fast tests
	$(BIN)/python -m pytest tests/unit tests/properties

lint: $(VENV)/ready-dev ## The same without the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml
	$(BIN)/workflow check

sim: $(VENV)/ready-dev ## Simulate 20,000 schedules of faults; SCHEDULES=1000000 for a release, SEED=n tells one of them
	@$(BIN)/python -m tests.simulation

mutants: $(VENV)/ready-dev ## Break the code in each of the named ways, until a schedule tells; MUTANT=name tells the story of one
	@$(BIN)/python -m tests.mutants

fmt: $(VENV)/ready-dev ## Format the code
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/ready-dev ## Measure the speed, as ratios against references in the same run
	@$(BIN)/python -m bench

build: $(VENV)/ready-local ## Build the Lambda package into build/lambda
	$(BIN)/workflow build

# What `sam build` calls (Metadata: BuildMethod: makefile); ready-local, so that a clone without .venv will do. The four
# functions are one package, four times: SAM wants a folder for each.
build-StreamFunction build-SweepFunction build-WebhookFunction build-ApiFunction: $(VENV)/ready-local
	$(BIN)/workflow build --output "$(ARTIFACTS_DIR)"

clean: ## Remove everything that was built or installed here
	rm -rf $(VENV) build .aws-sam .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready-local: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[local]'
	@touch $@

$(VENV)/ready-demo: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[demo]'
	@touch $(VENV)/ready-local $@

$(VENV)/ready-dev: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	@touch $(VENV)/ready-local $(VENV)/ready-demo $@
