"""The inbox of a connection: where answers come, and what happens to those who wait when the connection is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

from schemas.errors import Unavailable
from services.broker.client import Handler


class Inbox:
    """One wildcard subscription; the last token of a reply's subject says which exchange it belongs to.

    `name` begins the subject, so that each service can be permitted its own answers only.
    """

    def __init__(self, name: str) -> None:
        self._prefix = f"_INBOX_{name}.{secrets.token_hex(8)}"
        self._handlers: dict[bytes, Handler] = {}
        self._waiting: set[asyncio.Future[Any]] = set()
        self._tokens = itertools.count(1)

    @property
    def subject(self) -> str:
        """What to listen on, with `on_message`."""
        return f"{self._prefix}.*"

    def on_message(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        handler = self._handlers.get(subject[len(self._prefix) + 1 :])
        if handler is not None:
            handler(subject, reply, data, headers)

    @contextlib.contextmanager
    def exchange(self, handler: Handler) -> Iterator[str]:
        """A reply subject, whose messages go to `handler` until the block ends."""
        token = str(next(self._tokens))
        self._handlers[token.encode()] = handler
        try:
            yield f"{self._prefix}.{token}"
        finally:
            del self._handlers[token.encode()]

    def separate(self) -> str:
        """A subject beside the inbox that nobody else uses, to listen on."""
        return f"{self._prefix}.x.{next(self._tokens)}"

    @contextlib.asynccontextmanager
    async def answered(self, answer: asyncio.Future[Any], subject: str, timeout_s: float) -> AsyncIterator[None]:
        """After the block, wait until `answer` is done, all within `timeout_s`.

        Raises:
            Unavailable: it took longer. (That of a lost connection is in `answer`.)
        """
        self._waiting.add(answer)
        try:
            async with asyncio.timeout(timeout_s):
                yield
                await asyncio.wait([answer])
        except TimeoutError:
            raise Unavailable(f"no answer on {subject} within {timeout_s:g} s") from None
        finally:
            self._waiting.discard(answer)
            if answer.done() and not answer.cancelled():
                answer.exception()  # seen, even where the caller leaves by another error

    def fail_all(self) -> None:
        """No answer will come: the connection is lost."""
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(Unavailable("the connection to the broker was lost"))
