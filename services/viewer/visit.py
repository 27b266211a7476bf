"""One stay in a conversation, whatever shows it: what was said here, how it came out, and what Ctrl-C means."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Sequence

from schemas.errors import Unavailable
from schemas.transcript import Interrupt
from services.viewer.client import Client
from services.viewer.connection import Connection


class Visit:
    """`changed` is set whenever there may be something new to show, `leaving` once the visit is to end."""

    def __init__(self, client: Client, urls: Sequence[str], agent: str, token: str = "") -> None:
        self.client = client
        self.agent = agent
        self.changed = asyncio.Event()
        self.leaving = asyncio.Event()
        self.interrupted = False
        self._said: list[str] = []
        self._cancelled: set[str] = set()
        self._connection = Connection(client, urls, self.changed.set, token)

    def say(self, text: str) -> None:
        message_id = f"m{secrets.token_hex(8)}"
        self._said.append(message_id)
        self._connection.post(self.client.send(message_id, text, self.agent))
        self.changed.set()

    def answer(self, interrupt: Interrupt, text: str) -> None:
        self._connection.post(self.client.resolve(interrupt, text))

    def interrupt(self) -> None:
        """Ctrl-C: cancel what runs and what waits; with nothing left to cancel, leave."""
        runs = [run.id for run in self.client.fold.active_runs if run.id not in self._cancelled]
        for run in reversed(runs):  # the last first, so that nothing starts on the way
            self._cancelled.add(run)
            self._connection.post(self.client.cancel(run))
        if not runs:
            self.interrupted = True
            self.leave()
        self.changed.set()

    def leave(self) -> None:
        self.leaving.set()
        self.changed.set()

    @property
    def answered(self) -> bool:
        """Whether everything said here has come to its end, well or not."""
        return all(said in self.client.refused or self.client.outcome(said) for said in self._said)

    @property
    def idle(self) -> bool:
        """Whether everything known has been shown and nothing runs or waits."""
        client = self.client
        return client.link == "live" and self.answered and not client.unsent and not client.fold.active_runs

    @property
    def exit_code(self) -> int:
        """0 if all runs that answered messages of this visit completed; 130 if it was left by Ctrl-C."""
        if self.interrupted:
            return 130
        outcomes = [self.client.outcome(said) for said in self._said]
        completed = all(run is not None and run.status == "completed" for run in outcomes)
        return 0 if completed and not self.client.failure else 1

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """While inside, the conversation is followed and Ctrl-C obeyed."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.interrupt)
        loop.add_signal_handler(signal.SIGTERM, self.leave)
        link = loop.create_task(self._connect())
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)
            link.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await link

    async def _connect(self) -> None:
        try:
            await self._connection.run()
        except Unavailable as error:
            self.client.fail(str(error))
        finally:
            self.leave()
