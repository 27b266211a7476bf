"""What a batch of the seal stream holds, and what becomes of a message that cannot be archived. Pure."""

from __future__ import annotations

import msgspec

from schemas import subjects
from schemas.commands import DeadLetter
from schemas.errors import AnabranchError, Invalid
from schemas.seal import SealMessage, SealReference
from services.archive.port import Archivable

_decoder = msgspec.json.Decoder(SealMessage)


def read(data: bytes) -> Archivable:
    """The message in `data`.

    Raises:
        Invalid: the bytes are no message of the seal stream, or refer to a seal that the object store no longer has.
    """
    try:
        message: SealMessage = _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"not a seal: {error}", code="seal_unreadable") from error
    if isinstance(message, SealReference):
        raise Invalid(f"the seal {message.ref!r} is not in the object store", code="seal_gone")
    return message


def dead_letter(subject: str, data: bytes, error: AnabranchError, now_ms: int) -> DeadLetter:
    """The letter for a message that came on `subject` and could not be archived because of `error`."""
    tenant, conversation, run = subjects.parse_seal(subject)
    return DeadLetter(
        kind="seal",
        subject=subject,
        code=error.code,
        reason=error.message,
        tenant=tenant,
        conversation=conversation,
        run=run,
        ts=now_ms,
        data=data,
    )
