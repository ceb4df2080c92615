"""A dbt plugin: dbt imports every module or package whose name begins with `dbt_`, so it imports this one.

Each module replaces some methods of dbt, dbt-athena or boto3 when it is imported. The data is right without
any of them; `tests/models/test_dbt_*.py` show what is lost, so that a module can go when dbt does its work.
"""

from dbt_lakehouse import clients, exposures, interrupts, results, unit_tests

__all__ = ["clients", "exposures", "interrupts", "results", "unit_tests"]
