"""Saying: one message of a run, from a model or from an iterator of text, or from what an earlier attempt said."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterable

from schemas import events as ev
from schemas.transcript import Message
from services.agent_worker.asking import Call, asking
from services.agent_worker.models import port
from services.agent_worker.models.text_split import WholeCharacters
from services.agent_worker.speech import Asked, Said, Speech
from services.agent_worker.turn import Turn, note


async def ask_model(turn: Turn, ns: str, model: port.Model, request: port.ModelRequest) -> Said:
    """Stream the model's answer. A retryable failure before the model has said anything is tried again (`turn.Retry`).

    Raises:
        ModelError: the model failed; what it had said is closed as interrupted.
    """
    reasoned = turn.kept.reasoning(ns)
    for tried in itertools.count(1):
        speech = Speech(turn.emit, turn.ids, ns, model.name, reasoned=reasoned)
        try:
            with asking(turn.counts, model.name) as call:
                return await _feed(turn, speech, model.stream(request), call)
        except port.ModelError as error:
            if speech.begun:
                raise
            await _before_another_try(turn, ns, error, tried)
    raise AssertionError("counting does not end")


async def text_of_model(
    turn: Turn, ns: str, model: port.Model, request: port.ModelRequest
) -> AsyncGenerator[str, None]:
    """The text of the model's answer as it comes, for the caller to publish. Otherwise as `ask_model`."""
    for tried in itertools.count(1):
        begun = False
        try:
            with asking(turn.counts, model.name) as call:
                async with contextlib.aclosing(model.stream(request)) as events:
                    async for event in events:
                        if not call.heard:
                            call.hears()
                        match event:
                            case port.TextDelta(text):
                                begun = True
                                yield text
                            case port.Finished(usage=usage):
                                turn.emit(ev.UsageUpdated(usage=usage, ns=ns))
            return
        except port.ModelError as error:
            if begun:
                raise
            await _before_another_try(turn, ns, error, tried)


async def _before_another_try(turn: Turn, ns: str, error: port.ModelError, tried: int) -> None:
    """Wait, visibly; raises `error` if there is no use in it (`turn.Retry`)."""
    retry = turn.retry
    delay = retry.pause_s * 2 ** (tried - 1)
    if isinstance(error, port.RateLimited):
        delay = max(delay, error.retry_after_s)
    if not error.retryable or tried >= retry.tries or delay > retry.pause_s_max:
        raise error
    turn.emit(ev.RunRetrying(cause=error.code, message=note(error.message), delay_ms=int(delay * 1000), ns=ns))
    await asyncio.sleep(delay)


async def say_texts(turn: Turn, ns: str, texts: AsyncIterable[str]) -> Said:
    """Publish a text as it comes."""
    return await _feed(turn, Speech(turn.emit, turn.ids, ns, ""), _as_model_events(texts))


async def _feed(
    turn: Turn, speech: Speech, events: AsyncGenerator[port.ModelEvent, None], call: Call | None = None
) -> Said:
    sink = turn.sink
    unheard = call
    try:
        async with contextlib.aclosing(events):
            async for event in events:
                if unheard is not None:
                    unheard.hears()
                    unheard = None
                speech.feed(event)
                if sink.full:
                    await sink.room()
    finally:
        speech.break_off()
    if speech.said is None:
        raise port.Disconnected("the model's stream ended before it was finished")
    return speech.said


async def _as_model_events(texts: AsyncIterable[str]) -> AsyncGenerator[port.ModelEvent, None]:
    characters = WholeCharacters()
    async for text in texts:
        if whole := characters.feed(text):
            yield port.TextDelta(whole)
    yield port.Finished("stop", ev.Usage(model=""))


def said_before(turn: Turn, message: Message) -> Said:
    """A message that an earlier attempt finished, with the tool calls it asked for."""
    calls = tuple(
        Asked(
            call=f"kept-{message.id}-{number}",
            id=done.id if done is not None else "",
            name=name,
            args=args,
            error=done.error.message if done is not None and done.error is not None else "no JSON object",
            message=message.id,
            kept=True,
        )
        for number, (name, args, done) in enumerate(turn.kept.calls_of(message))
    )
    return Said(id=message.id, text=message.content, finish=message.finish, calls=calls)
