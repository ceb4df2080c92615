"""What moto gets wrong or does slowly, mended from outside. Each mend says why; none changes moto's files."""

from localcloud.aws.blobs import BlobStore
from localcloud.aws.mends import dispatch, glue, lakeformation, network, objects, uploads


def apply(blobs: BlobStore) -> None:
    """Mend the loaded moto; contents of S3 objects go to `blobs`."""
    network.apply()
    dispatch.apply()
    objects.apply(blobs)
    uploads.apply(blobs)
    glue.apply()
    lakeformation.apply()
