"""KMS: private keys are saved as DER, because objects of `cryptography` cannot be pickled."""

from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from moto.kms.utils import ECDSAPrivateKey, RSAPrivateKey

from localcloud.aws.patches.replacing import add


def apply() -> None:
    """Make the keys of KMS picklable."""
    for kind in (RSAPrivateKey, ECDSAPrivateKey):
        add(kind, __getstate__=_state, __setstate__=_set_state)


def _state(key: Any) -> dict[str, Any]:
    der = key.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {**key.__dict__, "private_key": der}


def _set_state(key: Any, state: dict[str, Any]) -> None:
    private = load_der_private_key(state["private_key"], password=None, unsafe_skip_rsa_key_validation=True)
    key.__dict__.update(state | {"private_key": private})
