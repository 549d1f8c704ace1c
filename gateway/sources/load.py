"""From `sources:` in the configuration to sources that can be recognised.

Checking (`check_sources`) needs no secrets; `load_sources` reads them, at the start. What must not
go in: HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.configuration import Secret
from core.document import Document, read_secret, validate
from core.errors import NotFound
from core.yaml import YamlPath
from gateway.events.types import TypeGlobs
from gateway.sources.bearer import KeyHash, find_owner, key_hash
from gateway.sources.model import Durability, Scheme, SourceModel
from gateway.sources.source import Source
from gateway.sources.standard_webhooks import SigningKey, signing_key
from vendors.load import NAME, NAME_EXPECTED

MIN_SECRET = 24
"""Bytes. Shorter ones can be guessed."""


class Sources:
    """All sources of a configuration."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._by_name = {source.name: source for source in sources}
        self._keys: tuple[tuple[KeyHash, Source], ...] = tuple(
            (key, source) for source in self._by_name.values() for key in source.key_hashes
        )

    def __iter__(self) -> Iterator[Source]:
        return iter(self._by_name.values())

    def by_bearer(self, authorization: str | None) -> Source:
        """The source whose key an `Authorization` header holds. Raises Unauthenticated."""
        return find_owner(authorization, self._keys)

    def by_name(self, name: str) -> Source:
        """The source of a webhook's path. Raises NotFound, also for one that signs nothing."""
        source = self._by_name.get(name)
        if source is None or source.scheme is not Scheme.STANDARD_WEBHOOKS:
            raise NotFound("There is nothing here.")
        return source


def check_sources(document: Document) -> dict[str, SourceModel]:
    """The sources as written, by name. Raises ConfigurationError."""
    section = document.data.get("sources", {})
    if not isinstance(section, dict):
        raise document.error("expected a mapping from name to source", ("sources",))
    models: dict[str, SourceModel] = {}
    for name in section:
        if not NAME.fullmatch(name):
            raise document.error(NAME_EXPECTED, ("sources", name))
        models[name] = validate(SourceModel, document, ("sources", name))
    return models


def load_sources(document: Document) -> Sources:
    """The sources with their secrets read. Raises ConfigurationError.

    One key for two sources is refused: the key alone says who is sending.
    """
    sources: list[Source] = []
    owners: dict[bytes, str] = {}
    for name, model in check_sources(document).items():
        hashes: list[KeyHash] = []
        keys: list[SigningKey] = []
        for index, ref in enumerate(model.verify.secrets):
            path: YamlPath = ("sources", name, "verify", "secrets", index)
            secret = read_secret(document, ref, path)
            hashed = key_hash(secret)
            if owners.setdefault(hashed, name) != name:
                raise document.error("another source has this secret", path)
            if model.verify.scheme is Scheme.BEARER:
                _check_bearer(document, secret, path)
                hashes.append(hashed)
            else:
                keys.append(_signing_key(document, secret, path))
        sources.append(
            Source(
                name=name,
                scheme=model.verify.scheme,
                events=TypeGlobs(model.events),
                max_body=model.max_body,
                may_spool=model.durability is Durability.SPOOL,
                key_hashes=tuple(hashes),
                signing_keys=tuple(keys),
            )
        )
    return Sources(sources)


def _check_bearer(document: Document, secret: Secret, path: YamlPath) -> None:
    text = secret.reveal()
    if len(text.encode("utf-8", "surrogateescape")) < MIN_SECRET:
        raise document.error(f"this secret is shorter than {MIN_SECRET} bytes", path)
    if not text.isascii() or not text.isprintable() or " " in text:
        raise document.error("a bearer key is printable ASCII without spaces", path)


def _signing_key(document: Document, secret: Secret, path: YamlPath) -> SigningKey:
    try:
        return signing_key(secret)
    except ValueError as error:
        raise document.error(str(error), path) from None
