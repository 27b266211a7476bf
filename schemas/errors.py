"""Every error Anabranch raises on purpose: one base class, the facts as attributes.

`code` is stable and documented in docs/errors.md; `message` is for a person and says what was wrong; `retryable` says
whether the same request may succeed later without a change. Foreign errors are translated at the adapter that meets them.
"""

from __future__ import annotations

import msgspec


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The form of an error on every wire: HTTP bodies, WebSocket `error` messages, failed runs. `hint` (of a failed run):
    what may help.
    """

    code: str
    message: str
    retryable: bool = False
    ref: str = ""
    hint: str = ""


class AnabranchError(Exception):
    """Base of all errors raised on purpose."""

    code = "internal"
    retryable = False
    http_status = 500

    def __init__(self, message: str, *, code: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable

    def body(self, ref: str = "") -> ErrorBody:
        return ErrorBody(code=self.code, message=self.message, retryable=self.retryable, ref=ref)


class Invalid(AnabranchError):
    """The request cannot be right, whenever it is sent: a bad id, namespace, cursor, field or setting."""

    code = "invalid"
    http_status = 400


class Unauthenticated(AnabranchError):
    """Nobody says who is asking, or what says it does not count (any more): sign in, and ask again."""

    code = "unauthenticated"
    http_status = 401


class Forbidden(AnabranchError):
    """Who asks may not: the gateway does not serve this client, host or origin."""

    code = "forbidden"
    http_status = 403


class NotFound(AnabranchError):
    code = "not_found"
    http_status = 404


class Deleted(NotFound):
    """The conversation was deleted. Its id is not given to another one."""

    code = "conversation_deleted"
    http_status = 410

    def __init__(self, conversation: str) -> None:
        super().__init__(f"conversation {conversation!r} was deleted")


class Conflict(AnabranchError):
    """The request is well formed but the state refuses it, e.g. `multitask=reject` while a run is active."""

    code = "conflict"
    http_status = 409


class TooLarge(AnabranchError):
    code = "too_large"
    http_status = 413


class Overloaded(AnabranchError):
    """A limit was reached that time will clear."""

    code = "overloaded"
    retryable = True
    http_status = 429


class Unavailable(AnabranchError):
    """A part we depend on (broker, archive, model) did not answer. The outcome of a write may be unknown."""

    code = "unavailable"
    retryable = True
    http_status = 503


class Fenced(AnabranchError):
    """An append expected another last sequence on its subject: someone else has written there."""

    code = "fenced"
    http_status = 409


class FoldError(AnabranchError):
    """The log contradicts itself: a gap in `n`, a delta that does not fit, an event for a thing never opened."""

    code = "log_inconsistent"
