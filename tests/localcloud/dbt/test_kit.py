"""Classes of dbt's own test kit for adapters (dbt-tests-adapter), run by the unmodified dbt-athena.

The adapter's whole functional suite takes a quarter of an hour; docs/figures.md has its result. `make test`
runs the classes that cover the most kinds of statements in the least time, `make sweep` the others too.
"""

import os
from typing import Any

import pytest
from dbt.tests.adapter.basic.test_base import BaseSimpleMaterializations
from dbt.tests.adapter.basic.test_ephemeral import BaseEphemeral
from dbt.tests.adapter.basic.test_generic_tests import BaseGenericTests
from dbt.tests.adapter.basic.test_incremental import BaseIncremental
from dbt.tests.adapter.basic.test_singular_tests import BaseSingularTests
from dbt.tests.adapter.basic.test_table_materialization import BaseTableMaterialization
from dbt.tests.adapter.dbt_show.test_dbt_show import BaseShowLimit
from dbt.tests.adapter.unit_testing.test_case_insensitivity import BaseUnitTestCaseInsensivity
from dbt.tests.adapter.utils.test_datediff import BaseDateDiff
from dbt.tests.adapter.utils.test_except import BaseExcept

pytestmark = pytest.mark.filterwarnings("ignore")  # dbt's own
sweep = pytest.mark.skipif("SWEEP" not in os.environ, reason="make sweep")


class TestIncremental(BaseIncremental):
    """Seeds by upload, CTAS, then INSERT of the new rows."""


class TestTableMaterialization(BaseTableMaterialization):
    """Iceberg tables, whose replacement is a rename."""

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        """All models are Iceberg tables."""
        return {"models": {"+table_type": "iceberg", "+s3_data_naming": "schema_table_unique"}}


class TestUnitTestCaseInsensitivity(BaseUnitTestCaseInsensivity):
    """Unit tests: a query over literals that are cast to the types of the columns."""


@sweep
class TestSimpleMaterializations(BaseSimpleMaterializations):
    """Views, tables, and docs generate."""

    @pytest.mark.skip("Changes the materialization by a variable; dbt-athena's suite skips it, too")
    def test_base(self, project: Any) -> None:
        """Skipped."""


@sweep
class TestSingularTests(BaseSingularTests):
    """Tests that are a query."""


@sweep
class TestEphemeral(BaseEphemeral):
    """Models that become parts of other queries."""


@sweep
class TestGenericTests(BaseGenericTests):
    """not_null, unique and the like."""


@sweep
class TestShowLimit(BaseShowLimit):
    """dbt show."""


@sweep
class TestExcept(BaseExcept):
    """The cross-database macro except."""


@sweep
class TestDateDiff(BaseDateDiff):
    """The cross-database macro datediff."""
