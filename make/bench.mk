#: Benchmarks, on this machine
.PHONY: bench bench-bronze bench-cloud bench-gold bench-dbt bench-many bench-ingest bench-api bench-clone

bench: bench-cloud bench-bronze bench-clone ## The tables of docs/figures.md for the cloud, the parser and a fresh clone (30 minutes)

bench-bronze: setup ## The parser beside Spark, polars and DuckDB (10 minutes; ARGS="--rows 100000" for less)
	$(UV) sync --locked --inexact --group bench --extra local --quiet
	$(BIN)/python tests/bench/bench_bronze.py $(ARGS)

bench-cloud: setup ## The local Athena: select 1, overhead over DuckDB, large CTAS and MERGE (5 minutes)
	@$(BIN)/python tests/bench/local_athena.py

bench-gold: setup ## The cost of gold after a delivery beside a full recompute (15 minutes; ARGS="--rows 100000" for less)
	@$(BIN)/python tests/bench/gold.py $(ARGS)

bench-dbt: setup ## A dbt build that finds nothing new, by statement (2 minutes; ARGS="--rows 100000" for less)
	@$(BIN)/python tests/bench/dbt_builds.py $(ARGS)

bench-many: setup ## A lake of 100 tables, with nothing new and with news for one (10 minutes; ARGS="--tables 10" for less)
	@$(BIN)/python tests/bench/many_tables.py $(ARGS)

bench-ingest: setup ## Ingestion beside a million old items, over HTTP, and at 10,000 files an hour (5 minutes)
	@for what in beside http hour; do $(BIN)/python tests/bench/ingestion.py $$what; echo; done

bench-api: setup ## Requests to dm serve beside the commands they stand for, after make demo (1 minute)
	@eval "$$($(BIN)/dm env --dir .dm/demo)"; $(BIN)/python tests/bench/api.py

bench-clone: setup ## make demo and make test in a fresh clone with an empty HOME (15 minutes)
	$(BIN)/python tests/bench/fresh_clone.py
