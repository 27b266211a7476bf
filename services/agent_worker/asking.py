"""Asking: one call of a model or of a tool, counted and traced."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

from schemas.errors import AnabranchError
from services import tracing
from services.agent_worker.metrics import RunCounts


class Call:
    """A call of a model while its answer comes."""

    def __init__(self, counts: RunCounts) -> None:
        self._counts = counts
        self._begun = time.monotonic()
        self.heard = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def hears(self) -> None:
        """The first of the answer is here."""
        self.heard = True
        self._counts.model_first_s.observe(self.seconds)


@contextlib.contextmanager
def asking(counts: RunCounts, model: str) -> Iterator[Call]:
    """Around one call of a model. Its span does not become the current one: this may run in a generator."""
    call = Call(counts)
    outcome = "failed"
    with tracing.start("model call", model=model):
        try:
            yield call
            outcome = "answered"
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "broken_off"
            raise
        except AnabranchError as error:
            counts.model_errors.add(error.code)
            raise
        finally:
            counts.model_calls.add(model, outcome)
            counts.model_s.observe(call.seconds)


@contextlib.contextmanager
def calling(counts: RunCounts, tool: str) -> Iterator[None]:
    """Around one call of a tool; what it calls itself are spans below."""
    begun = time.monotonic()
    outcome = "failed"
    with tracing.span("tool call", tool=tool):
        try:
            yield
            outcome = "done"
        except asyncio.CancelledError:
            outcome = "broken_off"
            raise
        finally:
            counts.tool_calls.add(tool, outcome)
            counts.tool_s.observe(time.monotonic() - begun)
