"""Run-time fixes for what moto gets wrong or does slowly. Each says why; none changes moto's files."""

from localcloud.aws.blobs import BlobStore
from localcloud.aws.patches import (
    bucket_policies,
    conditions,
    dispatch,
    glue,
    keys,
    lakeformation,
    listing,
    network,
    objects,
    queues,
    sessions,
    uploads,
)
from localcloud.aws.turns import Turns


def apply(blobs: BlobStore, turns: Turns) -> None:
    """Fix the loaded moto; contents of S3 objects go to `blobs`, requests take `turns`."""
    network.apply()
    dispatch.apply()
    objects.apply(blobs)
    uploads.apply(blobs)
    listing.apply()
    glue.apply()
    lakeformation.apply()
    queues.apply(turns)
    keys.apply()
    bucket_policies.apply()
    conditions.apply()
    sessions.apply()
