# The logic is in toolchain/; these lines name it. PYTHON is any Python from 3.11 on;
# ARGS goes to the program that test, smoke and drill run: make test ARGS="-k session".
PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help up down test test-cluster check smoke drill env lock clean cluster cluster-down

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20

up: ## stand up the store on this machine and prove it
	@$(PYTHON) -m toolchain.up

down: ## destroy it; asks first, YES=1 does not
	@$(PYTHON) -m toolchain.down $(if $(filter 1,$(YES)),--yes)

smoke: ## check the store that is up
	@$(PYTHON) -m toolchain.smoke $(ARGS)

drill: ## hurt it on purpose and see that it holds (ARGS="kill-primary")
	@$(PYTHON) -m toolchain.drill $(ARGS)

env: ## what a shell needs for plain pulumi, to be evaluated
	@$(PYTHON) -m toolchain.env

test: ## every suite this machine can run
	@$(PYTHON) -m toolchain.test $(ARGS)

test-cluster: ## every test of the Kubernetes target, drills that take minutes too; needs root
	@$(PYTHON) -m toolchain.test tests/cluster --whole $(ARGS)

cluster: ## a Kubernetes on this machine, for tests; needs root (ARGS="--nodes 5")
	@$(PYTHON) -m toolchain.cluster.command up $(ARGS)

cluster-down: ## remove it
	@$(PYTHON) -m toolchain.cluster.command down $(ARGS)

check: ## format, lint, types, imports, workflows
	@$(PYTHON) -m toolchain.check

lock: ## compile requirements/*.lock anew (needs uv)
	@$(PYTHON) -m toolchain.lock

clean: ## remove the environment and tool caches, not the state of a stack
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
