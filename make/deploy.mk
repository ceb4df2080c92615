#: Packages for AWS
.PHONY: lambda-package spark-package spark-runtime record-calls

lambda-package: setup ## Write dist/lambda/control-<content>.zip, the code of the Lambda functions
	@$(BIN)/python -m control.package dist/lambda

spark-package: setup ## Write dist/spark/ingest.py and ingest.zip for EMR Serverless or Glue
	@$(BIN)/python -m spark.package dist/spark

spark-runtime: setup ## Write dist/spark-runtime/runtime-<content>.tar.gz, the libraries that Spark on EMR imports
	@$(BIN)/python -m control.spark_runtime dist/spark-runtime

record-calls: setup ## Write infra/calls.yaml, the AWS calls of each component, by running it under its role (5 minutes)
	PYTHONPATH=.:tests $(BIN)/python tests/infra/record_calls.py
