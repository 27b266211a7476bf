"""What a deletion has to remove, found in the fold of the conversation: the same for a gateway and for the admin command."""

from __future__ import annotations

from collections.abc import Iterator

from schemas import subjects
from schemas.cursor import Cursor
from schemas.fold import Fold
from schemas.seal import ConversationDeletion
from schemas.transcript import Artifact, ToolCall
from services.broker.input_lane import Place
from services.runtime import now_ms


def deletion_of(place: Place, fold: Fold, last_word: Cursor) -> ConversationDeletion:
    """What a persister is told. `fold` has everything before `last_word`, where `conversation.deleted` stands."""
    prefix = subjects.object_name(place.tenant, place.conversation, "")
    return ConversationDeletion(
        tenant=place.tenant,
        conversation=place.conversation,
        partition=place.partition,
        epoch=last_word.epoch,
        seq=last_word.seq,
        deleted=now_ms(),
        refs=sorted({name for name in _references(fold) if name.startswith(prefix)}),
    )


def deletion_id(deletion: ConversationDeletion) -> str:
    """The id under which it is published: the same deletion, asked for twice, is one message."""
    return f"deletion:{deletion.tenant}:{deletion.conversation}:{deletion.epoch}:{deletion.seq}"


def _references(fold: Fold) -> Iterator[str]:
    """The names of the objects that a conversation refers to. One under another conversation's name is not its to delete."""
    for item in fold.items():
        match item:
            case Artifact(versions=versions):
                yield from (version.ref for version in versions if version.ref)
            case ToolCall(result={"ref": str(name), "bytes": int(), "preview": str()}):
                yield name
