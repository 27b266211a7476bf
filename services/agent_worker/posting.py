"""Posting a message without a gateway: what a script or a test does that runs agents as a library, and `open_run`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from schemas.commands import RunCommand, Turn, bounded_history
from schemas.errors import AnabranchError, Conflict
from schemas.fold import Fold, title_from
from schemas.seal import ConversationRecord
from schemas.transcript import Message, Transcript
from services.agent_worker.inputs import STALE_PAUSE_S
from services.broker.input_lane import AppendedInput, append_input
from services.broker.port import Broker, Record
from services.runtime import new_id


class Post(NamedTuple):
    """Who asks which agent what. `run` is the id of the run that is to answer."""

    tenant: str
    conversation: str
    partition: int
    agent: str
    text: str
    message: str
    run: str


def new_post(agent: str, text: str, *, tenant: str, conversation: str = "", partition: int = 0) -> Post:
    """A message in a conversation, in a new one if none is named."""
    return Post(tenant, conversation or new_id("c"), partition, agent, text, new_id("m_"), new_id("r"))


async def read_conversation(broker: Broker, post: Post, upto: int = 0) -> Fold:
    """The conversation as the log has it, at least to stream sequence `upto`: what serves reads may be behind."""
    fold = Fold(Transcript(conversation=post.conversation), dense=False)
    subject = subjects.conversation_events(post.partition, post.tenant, post.conversation)
    after = 0
    while True:
        batch = await broker.read(post.partition, subject, after, holds=upto)
        for record in batch.records:
            fold.apply(decode_frame(record.data, record.seq))
            after = record.seq
        if not batch.records and after >= upto:
            return fold
        if not batch.records:
            await asyncio.sleep(STALE_PAUSE_S)


async def post_message(broker: Broker, post: Post) -> RunCommand:
    """Append the message and its run, which whoever calls this performs, to the `in` lane; a new conversation is created.

    Raises:
        Conflict: a run is active in the conversation (code `conversation_busy`).
        Unavailable: the broker did not answer; whether it is stored is unknown.
    """
    fold = Fold(Transcript(conversation=post.conversation))

    async def decide(last: Record | None) -> Sequence[ev.AnyEvent]:
        nonlocal fold
        fold = await read_conversation(broker, post, last.seq if last is not None else 0)
        if fold.active_runs:
            raise Conflict(f"a run is active in conversation {post.conversation}", code="conversation_busy")
        after = next(reversed(fold.runs), "")
        message = ev.UserMessage(id=post.message, text=post.text, agent=post.agent)
        queued = ev.RunQueued(agent=post.agent, message=post.message, after=after, external=True)
        return [message, queued] if last is not None else [ev.ConversationCreated(), message, queued]

    stored = await append_input(broker, post.partition, post.tenant, post.conversation, post.run, decide)
    created = 0 if fold.input_last else 1
    await _list(broker, post, fold, stored)
    return RunCommand(
        tenant=post.tenant,
        conversation=post.conversation,
        partition=post.partition,
        run=post.run,
        agent=post.agent,
        message=post.message,
        text=post.text,
        ordinal=stored.n + created,
        seq=stored.seq,
        sent=stored.ts,
        after=next(reversed(fold.runs), ""),
        history=bounded_history(turns_of(fold)),
        title=fold.title,
    )


async def _list(broker: Broker, post: Post, fold: Fold, stored: AppendedInput) -> None:
    """Let the list of conversations show that this run goes on. Done again with the run's seal, so it may fail."""
    with contextlib.suppress(AnabranchError):
        record = ConversationRecord(
            tenant=post.tenant,
            conversation=post.conversation,
            partition=post.partition,
            epoch=(await broker.bounds(post.partition)).epoch,
            input_seq=stored.seq,
            title=fold.title or title_from(post.text),
            created=fold.head().created or stored.ts,
            updated=stored.ts,
            queued=True,
        )
        await broker.publish_seal(record, f"input:{post.tenant}:{post.conversation}:{record.epoch}:{stored.seq}")


def turns_of(fold: Fold) -> list[Turn]:
    """What was said in a conversation, as a model needs it."""
    return [
        Turn(role=item.role, text=item.content)
        for item in fold.items()
        if isinstance(item, Message)
        and item.status == "done"
        and item.ns == "main"
        and item.content
        and not fold.runs[item.run].taken_back
    ]
