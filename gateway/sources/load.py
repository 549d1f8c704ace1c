"""From `sources:` in the configuration to sources that can be recognised.

Checking (`check_sources`) needs no secrets; `load_sources` reads them, at the start and when a file
of theirs changes. What must not go in: HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from core.configuration import Secret
from core.document import Document, read_secret, validate
from core.errors import NotFound
from core.yaml import YamlPath
from gateway.events.schemas import Schemas
from gateway.events.types import TypeGlobs
from gateway.sources.keys import Key
from gateway.sources.mapping import load_map
from gateway.sources.model import Durability, KeyRef, SchemaCheck, SourceModel
from gateway.sources.names import OnInvalid, Scheme
from gateway.sources.presets.preset import PresetReader
from gateway.sources.presets.registry import PRESETS
from gateway.sources.reading import OwnFormat, Reader
from gateway.sources.schemes.bearer import KeyHash, active_bearer, find_owner, hash_key
from gateway.sources.schemes.registry import SCHEMES, Keys
from gateway.sources.source import Source
from vendors.load import NAME, NAME_EXPECTED


class Sources:
    """All sources of a configuration."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._by_name = {source.name: source for source in sources}
        self._keys: tuple[tuple[KeyHash, tuple[Source, Key[KeyHash]]], ...] = tuple(
            (key.value, (source, key)) for source in self._by_name.values() for key in source.bearer
        )

    def __iter__(self) -> Iterator[Source]:
        return iter(self._by_name.values())

    def by_bearer(self, authorization: str | None, now: datetime) -> tuple[Source, str]:
        """The source whose key an `Authorization` header holds, and the key's name. Raises
        Unauthenticated."""
        source, key = find_owner(authorization, self._keys)
        return source, active_bearer(key, now)

    def by_name(self, name: str) -> Source:
        """The source of a webhook's path. Raises NotFound, also for one that has none."""
        source = self._by_name.get(name)
        if source is None or not source.has_path:
            raise NotFound("There is nothing here.")
        return source


def check_sources(document: Document, schemas: Schemas) -> dict[str, SourceModel]:
    """The sources as written, by name, with their maps compiled. Raises ConfigurationError."""
    models = _models(document)
    for name, model in models.items():
        _reader(document, name, model)
        _schemas(document, name, model, schemas)
    return models


def secret_files(document: Document) -> frozenset[Path]:
    """The files that hold secrets of sources. None of them is read. Raises ConfigurationError."""
    return frozenset(
        Path(ref.file)
        for model in _models(document).values()
        for ref in model.verify.secrets
        if ref.file is not None
    )


def load_sources(document: Document, schemas: Schemas) -> Sources:
    """The sources with their secrets read. Raises ConfigurationError.

    One secret for two sources is refused: a key alone says who is sending, and what one of them
    signed could be sent to the other.
    """
    owners: dict[bytes, str] = {}
    sources = [
        _source(document, name, model, owners, schemas) for name, model in _models(document).items()
    ]
    return Sources(sources)


def _models(document: Document) -> dict[str, SourceModel]:
    section = document.data.get("sources", {})
    if not isinstance(section, dict):
        raise document.error("expected a mapping from name to source", ("sources",))
    models: dict[str, SourceModel] = {}
    for name in section:
        if not NAME.fullmatch(name):
            raise document.error(NAME_EXPECTED, ("sources", name))
        models[name] = validate(SourceModel, document, ("sources", name))
    return models


def _source(
    document: Document,
    name: str,
    model: SourceModel,
    owners: dict[bytes, str],
    schemas: Schemas,
) -> Source:
    preset = PRESETS[model.preset] if model.preset is not None else None
    scheme = preset.scheme if preset is not None else Scheme(model.verify.scheme or "")
    keys = _keys(document, name, model, scheme, owners)
    foreign = preset is not None or model.map is not None
    return Source(
        name=name,
        scheme=scheme,
        verifier=SCHEMES[scheme].make(keys, model.verify),
        reader=_reader(document, name, model),
        events=TypeGlobs(model.events),
        max_body=model.max_body,
        secrets=tuple(key.name for key in keys),
        bearer=keys if scheme is Scheme.BEARER and not foreign else (),
        preset=model.preset,
        on_invalid=model.on_invalid or (preset.on_invalid if preset else OnInvalid.REJECT),
        accepted=200 if preset is not None else 202,
        success=preset.success if preset is not None else None,
        has_path=scheme is not Scheme.BEARER or foreign,
        may_spool=model.durability is Durability.SPOOL,
        rate=model.rate,
        burst=model.burst,
        bodies=model.bodies,
        gzip=model.gzip,
        origins=model.origins,
        schemas=_schemas(document, name, model, schemas),
    )


def _schemas(document: Document, name: str, model: SourceModel, schemas: Schemas) -> Schemas | None:
    """What a source is held to. Raises ConfigurationError for a type that it names and nobody
    describes: none of those events could ever come in."""
    if model.held_to is not SchemaCheck.STRICT:
        return None
    path: YamlPath = ("sources", name, "events")
    is_list = isinstance(document.at(path), list)
    for index, event_type in enumerate(model.events):
        if "*" not in event_type and schemas.get(event_type) is None:
            problem = f"`schema: strict`, and there is no schema of {event_type}"
            raise document.error(problem, (*path, index) if is_list else path)
    return schemas


def _reader(document: Document, name: str, model: SourceModel) -> Reader:
    if model.preset is not None:
        return PresetReader(PRESETS[model.preset], model.types)
    if model.map is not None:
        return load_map(document, ("sources", name, "map"))
    return OwnFormat()


def _keys(
    document: Document, name: str, model: SourceModel, scheme: Scheme, owners: dict[bytes, str]
) -> Keys:
    keys = []
    for index, ref in enumerate(model.verify.secrets):
        path: YamlPath = ("sources", name, "verify", "secrets", index)
        secret = read_secret(document, ref, path)
        if not SCHEMES[scheme].shared and owners.setdefault(_hash(secret), name) != name:
            raise document.error("another source has this secret", path)
        keys.append(_key(document, ref, secret, scheme, path))
    return tuple(keys)


def _key(
    document: Document, ref: KeyRef, secret: Secret, scheme: Scheme, path: YamlPath
) -> Key[object]:
    try:
        value = SCHEMES[scheme].read(secret)
    except ValueError as error:
        raise document.error(str(error), path) from None
    return Key(value=value, name=ref.name, not_before=ref.not_before, not_after=ref.not_after)


def _hash(secret: Secret) -> bytes:
    return hash_key(secret.reveal())
