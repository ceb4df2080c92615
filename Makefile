# Every target, here, in CI and in hosted CI, is the same command. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_PREFERENCE := only-system
export UV_SYSTEM_CERTS := true
export UV_PREVIEW_FEATURES := package-conflicts
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
# Where it is set, each of the many short processes compiles every module again.
unexport PYTHONDONTWRITEBYTECODE
UV := .tools/bin/uv
BIN := .venv/bin
ZIG := ZIG_LOCAL_CACHE_DIR=.tools/zig-cache ZIG_GLOBAL_CACHE_DIR=.tools/zig-cache .tools/zig/bin/python -m ziglang
# What the contracts are compared with; none outside of a git clone that has a main branch.
GATE_BASE ?= $(shell git rev-parse -q --verify origin/main >/dev/null 2>&1 && echo origin/main || git rev-parse -q --verify main 2>/dev/null)
ROWS ?= 100000
.DEFAULT_GOAL := help
.PHONY: help setup setup-demo demo docs check check-infra test test-browser test-clients test-services test-om sweep bench bench-clone \
	bench-bronze bench-cloud bench-gold bench-dbt bench-many bench-ingest bench-api spark-package spark-runtime lambda-package record-calls \
	om trino conformance-trino adapter-suite debezium test-debezium kafka test-kafka kernel clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# A uv that is there already is used; by this name whatever needs one finds it, also where PATH has none.
.tools/bin/uv: .ci/uv.txt
	@if found="$$(command -v uv)" && [[ $$found != *.tools/bin/uv ]]; then mkdir -p .tools/bin && ln -sfn "$$found" $@; exit; fi; \
	python3 -m pip --version >/dev/null 2>&1 || { echo "error: uv is missing, and so is pip to fetch it. Install python3-pip (or uv) and run make again." >&2; exit 2; }; \
	python3 -m pip install --quiet --require-hashes --target .tools --upgrade -r .ci/uv.txt && touch $@

.venv/.demo: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --inexact --no-default-groups --group dbt --extra local --extra api && touch $@

.venv/.dev: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --extra local --extra lineage --extra api && touch $@ .venv/.demo

# The compiler in an environment of its own, and what it makes of our sources: anew when they or its lock have changed.
.tools/zig/.locked: uv.lock | $(UV)
	UV_PROJECT_ENVIRONMENT=.tools/zig $(UV) sync --locked --only-group kernel && touch $@

bronze_kernel/kernel.so: $(wildcard bronze_kernel/*.zig) bronze_kernel/build.py .tools/zig/.locked
	@.tools/zig/bin/python -m bronze_kernel.build

kernel: bronze_kernel/kernel.so ## Compile the kernel of the bronze parser, with a Zig compiler fetched as a wheel (100 MB)

setup: .venv/.dev bronze_kernel/kernel.so ## Install everything that development and the tests need (locked)

setup-demo: .venv/.demo bronze_kernel/kernel.so ## Install what the demo needs (locked)

demo: setup-demo ## Raw files in, gold out, twice, on this machine (ROWS=full for 1,586,614 reviews; IAM=1 under its roles)
	@$(BIN)/python demo/demo.py --rows $(ROWS) $(if $(IAM),--iam --dir .dm/iam-demo)

check: setup ## Lint, types, layer rules, contracts (SQL style is a test: it needs compiled models)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint .
	$(ZIG) fmt --check bronze_kernel
	for source in bronze_kernel/*.zig; do $(ZIG) test -lc $$source; done
	$(BIN)/cfn-lint infra/templates/*.yaml
	$(BIN)/dm contract lint && $(BIN)/dm contract sync --check
	$(if $(GATE_BASE),$(BIN)/dm contract gate --base $(GATE_BASE) --head . --require-deprecation,@echo "no main branch to compare the contracts with")

check-infra: setup ## Hold the templates against Checkov's rules, in an environment of its own (300 MB)
	UV_PROJECT_ENVIRONMENT=.venv-infra $(UV) sync --locked --only-group infra
	.venv-infra/bin/checkov --directory infra/templates --framework cloudformation --skip-download --quiet --compact

test: check ## Everything that `check` does, then every test that needs Python only
	$(if $(wildcard tests/*.py tests/*/*.py),$(BIN)/pytest -n 2 --dist worksteal,@echo "no tests in tests/")

docs: setup-demo ## The static site of the demo's tables, after make demo: site/index.html
	@eval "$$($(BIN)/dm env --dir .dm/demo)"; export DM_TOKEN_KEY="$$(cat .dm/demo-token-key)"; \
	$(BIN)/dbt --quiet docs generate --static --profiles-dir profiles --target-path .dm/demo-docs; \
	$(BIN)/dbt --quiet compile --full-refresh --profiles-dir profiles --target-path .dm/demo-docs; \
	$(BIN)/dm lineage build --target .dm/demo-docs; \
	$(BIN)/dm docs build --target .dm/demo-target --lineage .dm/demo-docs/lineage.json --title "Beer reviews"

test-browser: setup ## The static site in a real browser (Debian: apt-get install chromium)
	@command -v chromium google-chrome >/dev/null || { echo "error: no Chromium here. Install it: apt-get install chromium" >&2; exit 2; }
	$(UV) sync --locked --inexact --extra local --group browser
	$(BIN)/pytest tests/browser

test-services: setup ## A real PostgreSQL through change capture to silver (Debian: apt-get install postgresql)
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { echo "error: no PostgreSQL server here. Install it: apt-get install postgresql" >&2; exit 2; }
	$(BIN)/pytest tests/services

debezium: setup ## Fetch a real Debezium (38 MB; needs Maven), for test-debezium
	$(BIN)/python tests/debezium/install.py debezium

test-debezium: debezium ## A real PostgreSQL through a real Debezium to silver (needs PostgreSQL as above, and Java 17)
	$(BIN)/pytest tests/debezium

kafka: setup ## Fetch a real Kafka, Kafka Connect and what a sink to S3 is made of (72 MB; needs Maven), for test-kafka
	$(BIN)/python tests/debezium/install.py kafka

test-kafka: kafka ## The same through Kafka and a sink to S3 (SINK=folder of Aiven's connector, where you have it)
	$(if $(SINK),SINK=$(SINK)) $(BIN)/pytest tests/kafka

sweep: setup ## Every test with ten times the examples and crashes that `test` draws, new ones each time
	SWEEP=10 $(BIN)/pytest -n 2 --dist worksteal --timeout 3600

bench: bench-cloud bench-bronze bench-clone ## Measure on this machine and print the tables of docs/figures.md (30 minutes)

bench-clone: setup ## Measure make demo and make test in a fresh clone with an empty HOME (15 minutes)
	$(BIN)/python tests/bench/fresh_clone.py

bench-bronze: setup ## Measure the parser against Spark, polars and DuckDB in 10 minutes (ARGS="--rows 100000" for less)
	$(UV) sync --locked --inexact --group bench --extra local --quiet
	$(BIN)/python tests/bench/bench_bronze.py $(ARGS)

bench-gold: setup ## Measure what gold costs after a delivery against a full recompute (15 minutes; ARGS="--rows 100000" for less)
	@$(BIN)/python tests/bench/gold.py $(ARGS)

bench-dbt: setup ## Measure a dbt build that finds nothing new, statement by statement (2 minutes; ARGS="--rows 100000" for less)
	@$(BIN)/python tests/bench/dbt_builds.py $(ARGS)

bench-many: setup ## Measure a lake of 100 tables, with nothing new and with news for one (10 minutes; ARGS="--tables 10" for less)
	@$(BIN)/python tests/bench/many_tables.py $(ARGS)

bench-ingest: setup ## Measure ingestion beside a million old items, over HTTP, and with 10,000 files an hour (5 minutes)
	@for what in beside http hour; do $(BIN)/python tests/bench/ingestion.py $$what; echo; done

bench-cloud: setup ## Measure the local Athena: select 1, what it adds to DuckDB, large CTAS and MERGE (5 minutes)
	@$(BIN)/python tests/bench/local_athena.py

bench-api: setup ## Measure requests to dm serve beside the commands that they stand for, after make demo (1 minute)
	@eval "$$($(BIN)/dm env --dir .dm/demo)"; $(BIN)/python tests/bench/api.py

spark-package: setup ## Write dist/spark/ingest.py and ingest.zip, what EMR Serverless or a Glue job needs of ours
	@$(BIN)/python -m spark.package dist/spark

spark-runtime: setup ## Write dist/spark-runtime/runtime-<content>.tar.gz, the libraries that Spark on EMR imports
	@$(BIN)/python -m control.spark_runtime dist/spark-runtime

record-calls: setup ## Write infra/calls.yaml: run every component in its role and keep what it asks AWS for (5 minutes)
	PYTHONPATH=. $(BIN)/python tests/infra/record_calls.py

lambda-package: setup ## Write dist/lambda/control-<content>.zip, what the Lambda functions run
	@$(BIN)/python -m control.package dist/lambda

om: | $(UV) ## Install the optional OpenMetadata client in an environment of its own (400 MB)
	UV_PROJECT_ENVIRONMENT=.venv-om $(UV) sync --locked --only-group om && .venv-om/bin/metadata --version

test-om: setup om ## Hold what we send to OpenMetadata, and its workflows, against its client's own models
	$(BIN)/pytest tests/openmetadata

test-clients: setup ## Drive the local cloud with awswrangler, in an environment of its own (300 MB)
	UV_PROJECT_ENVIRONMENT=.venv-clients $(UV) sync --locked --only-group clients
	$(BIN)/pytest tests/localcloud/clients

trino: setup ## Fetch a real Trino and its Java (0.9 GB, kept: 0.6 GB), for dm local up --engine trino
	UV_PROJECT_ENVIRONMENT=.tools/trino/java $(UV) sync --locked --only-group trino
	$(BIN)/python -m localcloud.trino

conformance-trino: setup ## Compare with a real Trino: probes, the dbt project, SEQUENCES=20 random sequences
	$(BIN)/pytest -s tests/trino

adapter-suite: setup ## dbt-athena's own tests, unchanged: CHECKOUT=a checkout of dbt-labs/dbt-adapters ENGINE=duckdb|trino
	$(BIN)/python tests/localcloud/dbt/adapter_suite.py $(CHECKOUT) --engine $(or $(ENGINE),duckdb) $(if $(ARGS),-- $(ARGS))

clean: ## Remove what the targets made (not the local cloud's state: dm local reset)
	rm -rf bronze_kernel/*.so .tools/zig-cache target logs dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
