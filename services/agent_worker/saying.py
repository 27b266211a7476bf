"""Saying: one message of a run, from a model or from an iterator of text, or from what an earlier attempt said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable

from schemas import events as ev
from schemas.transcript import Message
from services.agent_worker.models import port
from services.agent_worker.speech import Asked, Said, Speech
from services.agent_worker.turn import Turn, note


async def ask_model(turn: Turn, ns: str, model: port.Model, request: port.ModelRequest) -> Said:
    """Stream the model's answer. A retryable failure before the model has said anything is tried again (`turn.Retry`).

    Raises:
        ModelError: the model failed; what it had said is closed as interrupted.
    """
    retry = turn.retry
    pause = retry.pause_s
    for tries_left in range(retry.tries - 1, -1, -1):
        speech = Speech(turn.emit, turn.ids, ns, model.name)
        try:
            return await _feed(turn, speech, model.stream(request))
        except port.ModelError as error:
            delay = max(pause, error.retry_after_s if isinstance(error, port.RateLimited) else 0.0)
            if speech.begun or not error.retryable or not tries_left or delay > retry.pause_s_max:
                raise
            turn.emit(ev.RunRetrying(cause=error.code, message=note(error.message), delay_ms=int(delay * 1000), ns=ns))
        await asyncio.sleep(delay)
        pause *= 2
    raise AssertionError("the last try returns or raises")


async def say_texts(turn: Turn, ns: str, texts: AsyncIterable[str]) -> Said:
    """Publish a text as it comes."""
    return await _feed(turn, Speech(turn.emit, turn.ids, ns, ""), _as_model_events(texts))


async def _feed(turn: Turn, speech: Speech, events: AsyncGenerator[port.ModelEvent, None]) -> Said:
    sink = turn.sink
    try:
        async with contextlib.aclosing(events):
            async for event in events:
                speech.feed(event)
                if sink.full:
                    await sink.room()
    finally:
        speech.break_off()
    if speech.said is None:
        raise port.Disconnected("the model's stream ended before it was finished")
    return speech.said


async def _as_model_events(texts: AsyncIterable[str]) -> AsyncGenerator[port.ModelEvent, None]:
    async for text in texts:
        if text:
            yield port.TextDelta(text)
    yield port.Finished("stop", ev.Usage(model=""))


def said_before(turn: Turn, message: Message) -> Said:
    """A message that an earlier attempt finished, with the tool calls it asked for."""
    calls: list[Asked] = []
    for number, (name, args, done) in enumerate(turn.kept.calls_of(message)):
        malformed = done is not None and done.args is None
        calls.append(
            Asked(
                call=f"kept-{message.id}-{number}",
                id=done.id if done is not None else "",
                name=name,
                args=None if malformed else args,
                error=done.error.message if malformed and done is not None and done.error else "",
                message=message.id,
                kept=True,
            )
        )
    return Said(id=message.id, text=message.content, finish=message.finish, calls=tuple(calls))
