"""What providers post to us: receipts of texts, and texts that people send.

Nothing here is signed: the address itself ends in a secret, which is kept as a hash only. What must
not go in: HTTP, and the shapes of any vendor (see `vendors`).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from core.document import Document, read_secret
from core.errors import NotFound
from core.messages import Event, Receipt
from core.yaml import YamlPath
from gateway.sources.schemes.bearer import KeyHash, hash_key, key_hash
from vendors import report
from vendors.operation import Vendor
from vendors.provider import CallbackSettings, Provider, ReportingProvider

MIN_SECRET = 24
"""Characters. It is all that keeps strangers from reporting texts, and from sending us some."""

MAX_BODY = 256 * 1024

OLDEST = timedelta(days=7)
"""Age beyond which the time of an incoming text is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One provider's way in."""

    provider_name: str
    provider: Provider
    shapes: report.Callbacks
    source: str
    hashes: tuple[KeyHash, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one callback told: receipts, and events to be accepted as any others."""

    receipts: tuple[Receipt, ...]
    events: tuple[Event, ...]


class Callbacks:
    """All ways in, by the provider's name."""

    def __init__(self, callbacks: Sequence[Callback] = ()) -> None:
        self._by_name = {callback.provider_name: callback for callback in callbacks}

    def find(self, provider: str, secret: str) -> Callback:
        """Raises NotFound, whatever is wrong: nobody learns which providers there are."""
        callback = self._by_name.get(provider)
        presented = hash_key(secret)
        found = False
        for known in callback.hashes if callback is not None else ():
            found |= hmac.compare_digest(known, presented)
        if callback is None or not found:
            raise NotFound("There is nothing here.")
        return callback


def load_callbacks(
    document: Document, providers: Mapping[str, Provider], registry: Mapping[str, Vendor]
) -> Callbacks:
    """The callbacks of a configuration, their secrets read. Raises ConfigurationError."""
    found: list[Callback] = []
    for name, provider in providers.items():
        settings = check_callback(document, name, provider)
        shapes = registry[provider.kind].callbacks
        if settings is None or shapes is None:
            continue
        hashes = []
        for index, ref in enumerate(settings.secrets):
            path: YamlPath = ("providers", name, "callback", "secrets", index)
            secret = read_secret(document, ref, path)
            text = secret.reveal()
            if len(text) < MIN_SECRET:
                problem = f"this secret is shorter than {MIN_SECRET} characters"
                raise document.error(problem, path)
            if not text.isascii() or not text.replace("-", "").replace("_", "").isalnum():
                problem = "the secret of a callback has letters, digits, - and _ only"
                raise document.error(problem, path)
            hashes.append(key_hash(secret))
        found.append(
            Callback(
                provider_name=name,
                provider=provider,
                shapes=shapes,
                source=settings.source or name,
                hashes=tuple(hashes),
            )
        )
    return Callbacks(found)


def callback_files(providers: Iterable[Provider]) -> frozenset[Path]:
    """The files that hold secrets of callbacks. None of them is read."""
    return frozenset(
        Path(ref.file)
        for provider in providers
        if isinstance(provider, ReportingProvider) and provider.callback is not None
        for ref in provider.callback.secrets
        if ref.file is not None
    )


def check_callback(document: Document, name: str, provider: Provider) -> CallbackSettings | None:
    """What can be checked without the secrets. Raises ConfigurationError."""
    if not isinstance(provider, ReportingProvider) or provider.callback is None:
        return None
    sources = document.data.get("sources") or {}
    source = provider.callback.source
    path: YamlPath = ("providers", name, "callback", "source")
    if source is not None and source not in sources:
        known = ", ".join(sorted(sources)) or "none"
        raise document.error(f"unknown source; configured: {known}", path)
    if source is None and name in sources:
        problem = "a source has this provider's name: say whose events incoming texts are"
        raise document.error(problem, ("providers", name, "callback"))
    return provider.callback


def read_callback(callback: Callback, body: bytes, now: datetime) -> Told | None:
    """What a callback told; None: its shape is not known."""
    called = callback.shapes.read(body, callback.provider)
    if called is None:
        return None
    receipts = tuple(
        Receipt(
            provider=callback.provider_name,
            reference=each.reference,
            stage=each.stage.value,
            rank=each.rank,
            meaning=each.meaning,
            final=each.final,
            at=now,
        )
        for each in called.receipts
    )
    return Told(
        receipts=receipts, events=tuple(_event(callback, each, now) for each in called.incoming)
    )


def _event(callback: Callback, incoming: report.Incoming, now: datetime) -> Event:
    event = Event(
        source=callback.source,
        # Never one of the source's own ids.
        id=f"{callback.provider_name}:{incoming.id}",
        type=incoming.type,
        received_at=now,
        time=incoming.time,
        data=dict(incoming.data),
    )
    if event.time is not None and not now - OLDEST <= event.time <= now:
        # A phone's clock: a time to come would win every tie for consent, and with one long past a
        # STOP would expire or count as older than what it stops.
        return replace(event, time=now)
    return event
