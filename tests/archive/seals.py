"""Messages of the seal stream, made by hand where a generated log would say too much."""

from __future__ import annotations

from schemas.seal import ConversationRecord, Seal, counts_of, digest_of
from schemas.transcript import AnyItem, Message, RunState
from tests.archive.logs import CONVERSATION, EPOCH, TENANT


def sealed(run: RunState, items: list[AnyItem], **changes) -> Seal:
    fields = {
        "tenant": TENANT,
        "conversation": CONVERSATION,
        "partition": 0,
        "epoch": EPOCH,
        "cursor": run.end_seq,
        "input_last": 3,
        "title": "title",
        "created": 1,
        "run": run,
        "items": items,
        "counts": counts_of(run, items),
        "digest": digest_of(run, items),
    }
    return Seal(**(fields | changes))


def small(run: str = "r1", text: str = "hello", *, seq: int = 2, after: str = "", attempt: int = 1, **changes) -> Seal:
    """A seal of one user message and an answer."""
    state = RunState(
        id=run, agent="a", status="completed", attempt=attempt, last=4, seq=seq, end_seq=seq + 5, after=after, ended=seq
    )
    items = [
        Message(id=f"{run}-u", run=run, seq=seq, role="user", content=text, status="done"),
        Message(id=f"{run}-m", run=run, seq=seq + 1, role="assistant", content=text, status="done"),
    ]
    return sealed(state, items, **changes)


def record(title: str, input_seq: int, *, epoch: str = EPOCH, updated: int = 5, **changes) -> ConversationRecord:
    fields = {"tenant": TENANT, "conversation": CONVERSATION, "partition": 0, "created": 1}
    return ConversationRecord(
        **(fields | {"title": title, "input_seq": input_seq, "epoch": epoch, "updated": updated} | changes)
    )
