"""Lake Formation tags: moto answers 500 for a database or table that has none."""

from collections import defaultdict
from typing import Any

from moto.lakeformation.models import LakeFormationBackend

from localcloud.aws.patches.replacing import replace


def apply() -> None:
    """Give resources without tags an empty list of tags."""
    original: Any = LakeFormationBackend.__init__

    def init(backend: Any, region_name: str, account_id: str) -> None:
        original(backend, region_name, account_id)
        backend.lf_database_tags = defaultdict(list)
        backend.lf_table_tags = defaultdict(list)

    replace(LakeFormationBackend, __init__=init)
