"""How much fits into a model: what of the conversation it is shown, and how long its answer may be. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.agent_worker.models.port import AssistantMessage, Model, ModelMessage, UserMessage

TOKEN_CHARS = 3
"""Of an average token, rather too few: a conversation that does not fit is refused, one that is a little shorter is not."""

SMALL_TOKENS = 8192
"""A context below this is shared between question and answer by us; a larger one the upstream looks after."""

ANSWER_TOKENS = 400
"""Of a small model: what it can say before it repeats itself, and a fifth of the smallest context."""

REASONING_TOKENS = 4_000
"""Added to the limit of an answer where the model may reason first, which counts against it."""


def answer_tokens(model: Model, tokens: int = 0) -> int:
    """The limit of an answer: of one that should have about `tokens` (the prompt asks for that length, the limit catches
    run-aways), or of any; 0 where the model may go on as long as it wants.
    """
    if model.context_tokens < SMALL_TOKENS:
        return tokens or ANSWER_TOKENS
    return tokens and tokens + REASONING_TOKENS


def fitted(messages: Sequence[ModelMessage], context_tokens: int) -> tuple[ModelMessage, ...]:
    """The newest messages that fit beside an answer; the oldest are left out first, at a user's message, never the last one
    of those.
    """
    room = (context_tokens - ANSWER_TOKENS) * TOKEN_CHARS
    last = max((at for at, message in enumerate(messages) if isinstance(message, UserMessage)), default=0)
    start = last
    used = sum(_chars(message) for message in messages[last:])
    for at in range(last - 1, -1, -1):
        used += _chars(messages[at])
        if used > room:
            break
        if isinstance(messages[at], UserMessage):
            start = at
    return tuple(messages[start:])


def _chars(message: ModelMessage) -> int:
    calls = message.calls if isinstance(message, AssistantMessage) else ()
    return len(message.text) + sum(len(call.name) + len(call.args) for call in calls)
