"""Hive tables: Parquet and text files in folders, partitions in Glue."""

from localcloud.athena.hive.partitions import fields as partition_fields
from localcloud.athena.hive.partitions import partitions_table
from localcloud.athena.hive.reading import columns, relation
from localcloud.athena.hive.writing import create_table, insert

__all__ = ["columns", "create_table", "insert", "partition_fields", "partitions_table", "relation"]
