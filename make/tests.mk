#: Tests that need more than Python
.PHONY: test-browser test-services check-infra test-debezium test-kafka test-om test-clients conformance-trino adapter-suite sweep debezium kafka om trino

test-browser: setup ## The static site and the panel in a real browser (Debian: apt-get install chromium)
	@command -v chromium google-chrome >/dev/null || { echo "error: no Chromium here. Install it: apt-get install chromium" >&2; exit 2; }
	$(UV) sync --locked --inexact --extra local --group browser
	$(BIN)/pytest tests/browser

test-services: setup ## Changes of a real PostgreSQL through to silver (Debian: apt-get install postgresql)
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { echo "error: no PostgreSQL server here. Install it: apt-get install postgresql" >&2; exit 2; }
	$(BIN)/pytest tests/services

check-infra: setup ## Check the templates with Checkov, in its own environment (300 MB)
	UV_PROJECT_ENVIRONMENT=.venv-infra $(UV) sync --locked --only-group infra
	.venv-infra/bin/checkov --directory infra/templates --framework cloudformation --skip-download --quiet --compact

test-debezium: debezium ## PostgreSQL through Debezium to silver (needs PostgreSQL and Java 17)
	$(BIN)/pytest tests/debezium

test-kafka: kafka ## PostgreSQL through Debezium, Kafka and an S3 sink to silver (SINK=folder of Aiven's connector, if you have it)
	$(if $(SINK),SINK=$(SINK)) $(BIN)/pytest tests/kafka

test-om: setup om ## Validate what we send to OpenMetadata with its client's models
	$(BIN)/pytest tests/openmetadata

test-clients: setup ## Drive the local cloud with awswrangler, in its own environment (300 MB)
	UV_PROJECT_ENVIRONMENT=.venv-clients $(UV) sync --locked --only-group clients
	$(BIN)/pytest tests/localcloud/clients

conformance-trino: setup ## Compare the local Athena with Trino: probes, the dbt project, SEQUENCES=20 random sequences
	$(BIN)/pytest -s tests/trino

adapter-suite: setup ## Run dbt-athena's own tests: CHECKOUT=a checkout of dbt-labs/dbt-adapters ENGINE=duckdb|trino
	$(BIN)/python tests/localcloud/dbt/adapter_suite.py $(CHECKOUT) --engine $(or $(ENGINE),duckdb) $(if $(ARGS),-- $(ARGS))

sweep: setup ## Every test with ten times the examples and crashes, new ones in each run
	SWEEP=10 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --timeout 3600

debezium: setup ## Fetch Debezium for test-debezium (38 MB; needs Maven)
	$(BIN)/python tests/debezium/install.py debezium

kafka: setup ## Fetch Kafka, Kafka Connect and an S3 sink for test-kafka (72 MB; needs Maven)
	$(BIN)/python tests/debezium/install.py kafka

om: | $(UV) ## Install the OpenMetadata client in its own environment (400 MB)
	UV_PROJECT_ENVIRONMENT=.venv-om $(UV) sync --locked --only-group om && .venv-om/bin/metadata --version

trino: setup ## Fetch Trino and its Java (download 0.9 GB, on disk 0.6 GB) for dm local up --engine trino
	UV_PROJECT_ENVIRONMENT=.tools/trino/java $(UV) sync --locked --only-group trino
	$(BIN)/python -m localcloud.trino
