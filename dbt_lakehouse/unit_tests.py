"""Give unit tests the columns of the contracts.

dbt gives the nodes of a unit test and its inputs no columns, and asks the catalog for those of an input. So
each test had to repeat the columns of its model; and an input lacked a column that only the next build adds,
so the test failed, which runs before that build. `get_fixture_sql` reads what is set here.
"""

from typing import Any

from dbt.parser.unit_tests import UnitTestManifestLoader

_parse: Any = UnitTestManifestLoader.parse_unit_test_case


def _parse_unit_test_case(loader: Any, case: Any) -> None:
    """Make the nodes of a unit test, and give each the columns of the node that it stands for."""
    _parse(loader, case)
    tested, made = loader.manifest.nodes[case.depends_on.nodes[0]], loader.unit_test_manifest.nodes
    made[case.unique_id].columns = tested.columns
    for given in case.given:
        real = loader._get_original_input_node(given.input, tested, case.name)
        for unique_id in made[case.unique_id].depends_on.nodes:
            node = made.get(unique_id)
            if node is not None and (node.schema, node.alias) == (real.schema, real.identifier):
                node.columns = real.columns


UnitTestManifestLoader.parse_unit_test_case = _parse_unit_test_case  # type: ignore[method-assign, assignment]
