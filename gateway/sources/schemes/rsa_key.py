"""RSA public keys, and whether one of them signed something (PKCS #1 v1.5 with SHA-256).

What must not go in: which system signs what.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from core.configuration import Secret
from gateway.sources.keys import Key

MIN_BITS = 2048


def public_key(secret: Secret) -> RSAPublicKey:
    """The key of a PEM text. Raises ValueError saying what was expected."""
    try:
        key = load_pem_public_key(secret.reveal().encode("utf-8", "surrogateescape"))
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("expected a public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_BITS:
        raise ValueError(f"expected an RSA key of at least {MIN_BITS} bits")
    return key


def signing(
    keys: Sequence[Key[RSAPublicKey]], signed: bytes, signatures: Sequence[bytes]
) -> list[Key[RSAPublicKey]]:
    """The keys that made one of the signatures."""
    return [
        key
        for key in keys
        if any(_is_signed(key.value, signed, signature) for signature in signatures)
    ]


def _is_signed(key: RSAPublicKey, signed: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
