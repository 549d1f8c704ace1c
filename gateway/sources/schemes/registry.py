"""Every scheme of verification: how its keys are read, and what they make.

A new scheme is a file beside this one and a line here. What must not go in: what a scheme checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.configuration import Secret
from gateway.sources.keys import Key, text_key
from gateway.sources.model import Encoding, VerifyModel
from gateway.sources.names import Scheme
from gateway.sources.schemes.adobe_commerce import AdobeCommerce
from gateway.sources.schemes.adobe_io import AdobeIo
from gateway.sources.schemes.bearer import Bearer, bearer_key
from gateway.sources.schemes.bigcommerce import bigcommerce
from gateway.sources.schemes.github import github
from gateway.sources.schemes.hmac_header import TemplatedHmac
from gateway.sources.schemes.rsa_key import public_key
from gateway.sources.schemes.shopify import shopify
from gateway.sources.schemes.signed_body import SignedBody
from gateway.sources.schemes.standard_webhooks import signing_key, standard_webhooks
from gateway.sources.schemes.stripe import Stripe
from gateway.sources.schemes.woocommerce import woocommerce, woocommerce_key
from gateway.sources.verifier import Verifier, from_base64, from_hex

Keys = tuple[Key[Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeKind:
    """`read` makes a key of a secret's text, or raises ValueError saying what was expected.
    `shared`: several sources may have the same key, since it is public."""

    read: Callable[[Secret], Any]
    make: Callable[[Keys, VerifyModel], Verifier]
    shared: bool = False


def _woocommerce_key(secret: Secret) -> bytes:
    text_key(secret)
    return woocommerce_key(secret)


def _hmac(keys: Keys, settings: VerifyModel) -> Verifier:
    digest = SignedBody(
        keys=keys,
        header=settings.header or "",
        decode=from_hex if settings.encoding is Encoding.HEX else from_base64,
        prefix=settings.prefix,
        algorithm=settings.hash.value,
    )
    if settings.timestamp is None and settings.what_is_signed == "{body}":
        return digest
    return TemplatedHmac(
        digest=digest,
        timestamp=settings.timestamp,
        signed=settings.what_is_signed,
        tolerance=settings.tolerance,
    )


SCHEMES: Mapping[Scheme, SchemeKind] = {
    Scheme.BEARER: SchemeKind(read=bearer_key, make=lambda keys, _: Bearer(keys=keys)),
    Scheme.STANDARD_WEBHOOKS: SchemeKind(
        read=signing_key, make=lambda keys, _: standard_webhooks(keys)
    ),
    Scheme.STRIPE: SchemeKind(read=text_key, make=lambda keys, _: Stripe(keys=keys)),
    Scheme.SHOPIFY: SchemeKind(read=text_key, make=lambda keys, _: shopify(keys)),
    Scheme.WOOCOMMERCE: SchemeKind(read=_woocommerce_key, make=lambda keys, _: woocommerce(keys)),
    Scheme.GITHUB: SchemeKind(read=text_key, make=lambda keys, _: github(keys)),
    Scheme.BIGCOMMERCE: SchemeKind(read=text_key, make=lambda keys, _: bigcommerce(keys)),
    Scheme.ADOBE_COMMERCE: SchemeKind(
        read=public_key, make=lambda keys, _: AdobeCommerce(keys=keys), shared=True
    ),
    Scheme.ADOBE_IO: SchemeKind(
        read=public_key,
        make=lambda keys, settings: AdobeIo(keys=keys, client_id=settings.client_id or ""),
        shared=True,
    ),
    Scheme.HMAC: SchemeKind(read=text_key, make=_hmac),
}
