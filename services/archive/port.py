"""The archive as the services see it: the record of finished runs. SQLite embedded, PostgreSQL in earnest.

Gateways read, persisters write; nobody else touches the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from schemas.cursor import Cursor
from schemas.errors import AnabranchError
from schemas.seal import ConversationRecord, Seal
from schemas.transcript import Artifact, ArtifactVersion, RunState, Transcript


class Archived(NamedTuple):
    """A conversation as the archive has it: everything of its log at or before `cursor`, and nothing after it.

    `cursor` is None while no run of it has been archived. Runs archived out of order (a seal before its predecessor's) are
    left out until the ones before them are there.
    """

    partition: int
    cursor: Cursor | None
    transcript: Transcript


class ConversationSummary(NamedTuple):
    """A row of the list. `updated` and `created` in ms since the epoch."""

    id: str
    title: str
    created: int
    updated: int
    runs: int
    last_status: str


class Page(NamedTuple):
    """`next` is the token of the following page, empty on the last one."""

    conversations: Sequence[ConversationSummary]
    next: str


class ArchivedArtifact(NamedTuple):
    conversation: str
    artifact: Artifact


class ArchiveReader(Protocol):
    """Every method may raise Unavailable."""

    async def conversation(self, tenant: str, conversation: str) -> Archived | None: ...

    async def conversations(self, tenant: str, *, limit: int = 50, page: str = "", query: str = "") -> Page:
        """Newest activity first. `query`: only titles that contain it. Raises Invalid for a page token not ours."""

    async def run(self, tenant: str, run: str) -> tuple[str, RunState] | None:
        """The run and the id of its conversation."""

    async def artifact(self, tenant: str, artifact: str) -> ArchivedArtifact | None: ...

    async def artifact_version(self, tenant: str, artifact: str, version: int) -> ArtifactVersion | None: ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class ArchiveWriter(Protocol):
    async def write(self, messages: Sequence[Seal | ConversationRecord]) -> Sequence[AnabranchError | None]:
        """Write all in one transaction, each in a savepoint of its own; the result says, one for one, which failed.

        Repeating a message changes nothing; a seal of a higher attempt of the same run replaces the lower one.

        Raises:
            Unavailable: the database did not take the transaction; nothing was written.
        """

    async def close(self) -> None: ...
