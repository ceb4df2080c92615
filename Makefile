#: Every day
# The same targets run here, in CI and in hosted CI. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_PREFERENCE := only-system
export UV_SYSTEM_CERTS := true
export UV_PREVIEW_FEATURES := package-conflicts
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
# If it is set, each of the many short processes compiles every module again.
unexport PYTHONDONTWRITEBYTECODE
UV := .tools/bin/uv
BIN := .venv/bin
ZIG := ZIG_LOCAL_CACHE_DIR=.tools/zig-cache ZIG_GLOBAL_CACHE_DIR=.tools/zig-cache .tools/zig/bin/python -m ziglang
# The commit that contracts are compared with; empty without a git clone that has a main branch.
GATE_BASE ?= $(shell git rev-parse -q --verify origin/main >/dev/null 2>&1 && echo origin/main || git rev-parse -q --verify main 2>/dev/null)
ROWS ?= 100000
.DEFAULT_GOAL := help
.PHONY: help demo docs setup setup-demo kernel check test clean

help: ## List the targets
	@awk -F ':.*## ' '/^#: / {print "\n" substr($$0, 4)} /^[a-z-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup-demo ## Ingest and build two deliveries of sample data locally (ROWS=full for 1,586,614 reviews; IAM=1 under its roles)
	@$(BIN)/python demo/demo.py --rows $(ROWS) $(if $(IAM),--iam --dir .dm/iam-demo)

docs: setup-demo ## Build the static site of the tables, site/index.html, after make demo
	@eval "$$($(BIN)/dm env --dir .dm/demo)"; export DM_TOKEN_KEY="$$(cat .dm/demo-token-key)"; \
	$(BIN)/dbt --quiet docs generate --static --profiles-dir profiles --target-path .dm/demo-docs; \
	$(BIN)/dbt --quiet compile --full-refresh --profiles-dir profiles --target-path .dm/demo-docs; \
	$(BIN)/dm lineage build --target .dm/demo-docs; \
	$(BIN)/dm docs build --target .dm/demo-target --lineage .dm/demo-docs/lineage.json --title "Beer reviews"

setup: .venv/.dev bronze_kernel/kernel.so ## Install everything that development and the tests need, from the lock file

setup-demo: .venv/.demo bronze_kernel/kernel.so ## Install what the demo needs, from the lock file

kernel: bronze_kernel/kernel.so ## Compile the kernel of the bronze parser; fetches a Zig compiler as a wheel (100 MB)

check: setup ## Lint, types, layer rules, contracts; SQL style is a test, because it needs compiled models
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint .
	$(ZIG) fmt --check bronze_kernel
	for source in bronze_kernel/*.zig; do $(ZIG) test -lc $$source; done
	$(BIN)/cfn-lint infra/templates/*.yaml
	$(BIN)/dm contract lint && $(BIN)/dm contract sync --check
	$(if $(GATE_BASE),$(BIN)/dm contract gate --base $(GATE_BASE) --head . --require-deprecation,@echo "no main branch to compare the contracts with")

test: check ## check, then every test that needs only Python
	$(if $(wildcard tests/*.py tests/*/*.py),$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder,@echo "no tests in tests/")

clean: ## Remove build outputs and caches; the state of the local cloud stays (dm local reset removes it)
	rm -rf bronze_kernel/*.so .tools/zig-cache target logs dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

include make/install.mk make/tests.mk make/deploy.mk make/bench.mk
