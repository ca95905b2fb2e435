# Thin: each target is the command it stands for. `make` alone lists them.
# STACK chooses another stack than dev: make up STACK=a10g

SHELL := /bin/sh
STACK ?= dev
SANDBOX ?= dev
python := .venv/bin/python
pytest := . ./activate && pytest
jobs := 4

# Only the dev stack lives on a sandbox with a model and an image made here.
ifeq ($(STACK),dev)
up_needs := ready sandbox
else
up_needs := toolchain
endif

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

# --- deploy ------------------------------------------------------------------------------------

.PHONY: up preview down infra
up: $(up_needs) stack ## from a bare machine to tokens: install what is missing, start the sandbox, pulumi up
	@. ./activate && pulumi up --yes --suppress-outputs --stack $(STACK)
	@. ./activate && GPUHOST_API_KEY=$$(pulumi config get gpuhost:apiKey --stack $(STACK) 2>/dev/null || true) && \
		export GPUHOST_API_KEY && pulumi stack output --stack $(STACK) --json | python toolchain/hello.py -

preview: toolchain stack ## what pulumi up would change
	@. ./activate && pulumi preview --stack $(STACK)

infra: ## the live host against the stack's outputs
	@$(pytest) tests/infra --stack $(STACK)

down: ## remove what the stack made; the protected model volume stays
	@. ./activate && pulumi destroy --yes --stack $(STACK) --exclude-protected

# --- what they need ----------------------------------------------------------------------------

.PHONY: venv toolchain docker-engine image model ready sandbox sandbox-down stack
toolchain: ## virtual environment, Pulumi engine and plugins
	@sh toolchain/install.sh

docker-engine:
	@sh toolchain/docker_engine.sh

image: venv ## the local vLLM image that the sandbox serves with
	@built=$$(sh toolchain/vllm_cpu/build.sh) && mkdir -p .gpuhost/images && \
		ln -sfn "$$built/image.tar" .gpuhost/images/vllm-cpu.tar && \
		ln -sfn "$$built/image.json" .gpuhost/images/vllm-cpu.json

model: venv ## the tiny model that the sandbox serves
	@$(python) -m toolchain.tiny_model

# The slow steps need different things - compiler, network, disk - so they run side by side.
ready: venv
	@$(MAKE) --no-print-directory -j$(jobs) toolchain image model docker-engine

sandbox: docker-engine venv ## start the sandbox host
	@$(python) -m hosts.sandbox up $(SANDBOX)

sandbox-down: ## remove the sandbox host and all it held
	@$(python) -m hosts.sandbox down $(SANDBOX)

stack:
	@. ./activate && pulumi stack select --create $(STACK)

venv:
	@sh toolchain/venv.sh

# --- prove -------------------------------------------------------------------------------------

.PHONY: test lint format unit engine test-nvidia test-model bench
test: lint unit engine ## everything: lint, unit tests, real engine, one full cycle with real vLLM

lint: venv ## ruff, mypy --strict, shellcheck
	@sh toolchain/lint.sh

format: venv ## let ruff repair what it can
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .

unit: venv ## unit tests: no network, no engine
	@.venv/bin/pytest tests/unit

# A file is one unit: its tests share a host or a stack.
engine: ready ## tests with the real Pulumi engine, Docker and sandbox hosts
	@$(pytest) tests/engine -m 'not nvidia and not model' --numprocesses 2 --dist loadfile

test-nvidia: ready ## every fault and every version of the NVIDIA path, in sandboxes with a stand-in driver (7 min)
	@$(pytest) tests/engine/nvidia

test-model: ready ## the model's ways to a host with every fault, the API key, a host without a network (8 min)
	@$(pytest) tests/engine -m model

bench: ## speed and scale, side by side with the alternatives
	@. ./activate && python -m benchmarks

# --- keep --------------------------------------------------------------------------------------

.PHONY: lock clean clean-cache
lock: venv ## write the lock files from requirements*.in and toolchain/go.in
	@for name in requirements requirements-dev toolchain/go; do \
		.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-emit-index-url $$name.in --output-file $$name.txt || exit; \
	done

clean: ## what tests and linters left; keeps state, keys and the virtual environment
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis reports
	@find . -name __pycache__ -type d -not -path './.venv/*' -exec rm -rf {} +

clean-cache: ## the user's cache of engine, Go and images, for all checkouts
	@rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/gpuhost"
