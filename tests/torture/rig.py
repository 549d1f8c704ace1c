"""The stack with a proxy on every connection between its parts, so that each can be disturbed by
itself."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.proxy import Proxy
from tests.stack import Stack

_TAIL = 6000
"""Characters of the log of a part that ended by itself."""

ONCE_KEY = "POSTERN_ONCE_KEY"
"""Of a source whose sender would not send again: its events go to the spool when they must."""

_SOURCE = f"""sources:
  once:
    verify:
      scheme: bearer
      secrets: [{{env: {ONCE_KEY}}}]
    events: ["order.*", "user.*"]
    durability: spool
"""
_PACE = """    timeout: 2s
    reconcile_lag: 3s
    retry: [1s, 1s, 2s, 2s, 3s, 3s, 4s, 4s, 5s, 5s, 5s, 5s]"""


class Rig(Stack):
    """`to_sms` and `to_altcraft` lead to the simulators; the other proxies are kept by part."""

    def __init__(self, folder: Path | None = None) -> None:
        self._opened = ExitStack()
        self.to_sms = self._opened.enter_context(Proxy())
        self.to_altcraft = self._opened.enter_context(Proxy())
        super().__init__(folder, configuration=self._through_proxies)
        self.to_broker = {part: self._proxy(self.broker.port) for part in self.parts[1:]}
        self.to_journal = {part: self._proxy(self.postgres.port) for part in self.parts[1:]}
        for proxy in (self.to_sms, self.to_altcraft):
            proxy.lead_to(self._ports["sandbox"])
        self.busy: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """One fault at a time for each part and each server, by its name."""
        self.died: list[str] = []
        """Parts that ended by themselves, or did not end in order when they were asked to."""

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        return (
            *self.to_broker.values(),
            *self.to_journal.values(),
            self.to_sms,
            self.to_altcraft,
        )

    def environment_of(self, part: str) -> dict[str, str]:
        environment = self.environment
        if part in self.to_broker:
            environment["POSTERN_BROKER"] = self.to_broker[part].url(environment["POSTERN_BROKER"])
            environment["POSTERN_JOURNAL"] = self.to_journal[part].url(
                environment["POSTERN_JOURNAL"]
            )
        if part == "gateway":
            environment["POSTERN_SPOOL"] = str(self.folder / "spool")
        return environment

    def kill(self, part: str) -> None:
        self._look_whether_it_lives(part)
        super().kill(part)

    def stop(self, part: str) -> int:
        self._look_whether_it_lives(part)
        code = super().stop(part)
        if code != 0:
            self.died.append(f"{part} ended with {code} after SIGTERM")
        return code

    def _look_whether_it_lives(self, part: str) -> None:
        if not self.running(part):
            # All else of it goes with the run.
            log = (self.folder / f"{part}.log").read_text(encoding="utf-8", errors="replace")
            self.died.append(f"{part} had ended by itself; its log ended:\n{log[-_TAIL:]}")

    def _proxy(self, port: int) -> Proxy:
        return self._opened.enter_context(Proxy(port))

    def _through_proxies(self, text: str) -> str:
        text = re.sub(r"    (retry|reconcile_lag):.*\n", "", text)
        for name, proxy in (("altcraft", self.to_altcraft), ("smsgateway24", self.to_sms)):
            text = text.replace(f"{self.sandbox}/{name}", f"http://127.0.0.1:{proxy.port}/{name}")
            text = text.replace(f"    kind: {name}\n", f"    kind: {name}\n{_PACE}\n")
        return text.replace("sources:\n", _SOURCE, 1)

    def __enter__(self) -> Self:
        try:
            return super().__enter__()
        except BaseException:
            self._opened.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for proxy in self.proxies:
            proxy.let_go()
        super().__exit__(kind, error, trace)
        self._opened.close()
