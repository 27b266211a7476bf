"""Writing one version of an artifact: text is streamed as it comes, what is binary or large goes to the object store."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from schemas import events as ev
from schemas.errors import Invalid, TooLarge
from services.agent_worker.turn import Turn

ARTIFACT_BYTES_MAX = 64 * 1024 * 1024
"""It is held in memory until it is final, as a worker may hold one per slot."""


DELTA_CHARS = 80
DELTA_S = 0.1
"""Text of an artifact is published when there is this much of it, or this long after the last: it is watched growing, not
read word by word, and a frame per word would cost three times the bytes.
"""


class ArtifactWriter:
    """An async context manager; leaving it without an error makes the version final. `id` and `version` name it then."""

    def __init__(
        self, turn: Turn, ns: str, *, kind: str, name: str, media_type: str, of: str = "", message: str = ""
    ) -> None:
        self.id = of
        self.version = 0
        self._turn = turn
        self._ns = ns
        self._created = (kind, name, media_type, message)
        self._kept = False
        self._chunks: list[bytes] = []
        self._size = 0
        self._chars = 0
        self._unsaid: list[str] = []
        self._said_at = 0.0
        self._by_reference = False

    async def __aenter__(self) -> Self:
        """Raises Invalid if `of` is no artifact that this run has made."""
        kind, name, media_type, message = self._created
        turn = self._turn
        if self.id:
            if self.id not in turn.versions:
                raise Invalid(f"{self.id} is no artifact of this run", code="unknown_artifact")
        elif (kept := turn.kept.artifact(self._ns, kind, name)) is not None:
            self.id = kept.id
        else:
            self.id = turn.ids.next("a")
        turn.versions[self.id] += 1
        self.version = turn.versions[self.id]
        self._kept = turn.kept.versions_of(self.id) >= self.version
        if not self._kept:
            turn.emit(
                ev.ArtifactCreated(
                    id=self.id,
                    kind=kind,
                    name=name,
                    media_type=media_type,
                    version=self.version,
                    message=message,
                    ns=self._ns,
                )
            )
        return self

    async def write(self, content: str | bytes) -> None:
        """Add text, which viewers see grow, or bytes, which they get when it is final.

        Raises:
            TooLarge: the artifact is over ARTIFACT_BYTES_MAX.
        """
        if self._kept or not content:
            return
        data = content.encode() if isinstance(content, str) else content
        self._size += len(data)
        if self._size > ARTIFACT_BYTES_MAX:
            raise TooLarge(f"artifact {self._created[1]!r} is over {ARTIFACT_BYTES_MAX} bytes")
        self._chunks.append(data)
        if isinstance(content, bytes) or self._size > ev.CONTENT_BYTES_MAX:
            self._by_reference = True
        elif not self._by_reference:
            self._unsaid.append(content)
            if time.monotonic() - self._said_at >= DELTA_S or sum(map(len, self._unsaid)) >= DELTA_CHARS:
                self._say()
                await self._turn.room()

    def _say(self) -> None:
        """Publish the text that has collected."""
        text = "".join(self._unsaid)
        if text:
            self._turn.emit(ev.ArtifactDelta(id=self.id, at=self._chars, text=text, ns=self._ns))
        self._chars += len(text)
        self._unsaid.clear()
        self._said_at = time.monotonic()

    async def take(self, texts: AsyncGenerator[str, None]) -> None:
        """Write a text as it comes. Where an earlier attempt finished this version, `texts` is not even started."""
        async with contextlib.aclosing(texts):
            if not self._kept:
                async for text in texts:
                    await self.write(text)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept or kind is not None:  # left by an error it stays intermediate, and the run's end closes it so
            return
        self._say()
        data = b"".join(self._chunks)
        ref = await self._turn.put_object(data) if self._by_reference else ""
        digest = hashlib.sha256(data).hexdigest()
        self._turn.emit(
            ev.ArtifactFinal(id=self.id, version=self.version, digest=digest, size=len(data), ref=ref, ns=self._ns)
        )
