"""The archive as the services see it: the record of finished runs. SQLite embedded, PostgreSQL in earnest.

Gateways read, persisters write; nobody else touches the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from schemas.cursor import Cursor
from schemas.errors import AnabranchError
from schemas.seal import ConversationDeletion, ConversationRecord, Seal
from schemas.transcript import RunState, Transcript

SEARCHED_CONVERSATIONS = 1000
"""Whose messages a search reads, the newest ones first: no index helps it, and this many are read within a tenth of a second."""


Archivable = Seal | ConversationRecord | ConversationDeletion
"""The messages of the seal stream that a writer takes."""


class Archived(NamedTuple):
    """A conversation as the archive has it: everything of its log at or before `cursor`.

    `transcript` has whole runs, each as it ended, in the order of the log: where a message was queued while a run went on,
    the end of that run lies after `cursor` (a fold continued from here drops what it meets again, by `n`). `input_last` is
    that of `cursor`. `title` is the newest known, also where the rename lies after `cursor`: it may leave the log before
    another run is archived.

    `cursor` is None while no run of it has been archived. Runs archived out of order (a seal before its predecessor's) are
    left out until the ones before them are there.
    """

    partition: int
    cursor: Cursor | None
    transcript: Transcript
    beyond: frozenset[str] = frozenset()


class ConversationSummary(NamedTuple):
    """A row of the list. `updated` and `created` in ms since the epoch. `settled`: every run that is known to have been asked
    for is archived; otherwise the log says what goes on.
    """

    id: str
    title: str
    created: int
    updated: int
    runs: int
    last_status: str
    settled: bool = True


class Page(NamedTuple):
    """`next` is the token of the following page, empty on the last one."""

    conversations: Sequence[ConversationSummary]
    next: str


class ArchiveReader(Protocol):
    """Start with `services.archive.reader.open_reader`. Every method may raise Unavailable."""

    async def conversation(self, tenant: str, conversation: str) -> Archived | None:
        """Raises Deleted."""

    async def is_deleted(self, tenant: str, conversation: str) -> bool: ...

    async def conversations(self, tenant: str, *, limit: int = 50, page: str = "", query: str = "") -> Page:
        """Newest activity first. `query`: only those whose title contains it, or, among the SEARCHED_CONVERSATIONS of newest
        activity, a message of a person or of the agent that answers (namespace `main`); upper and lower case are the same.

        `limit` is bounded to 1..200. A conversation that is active while somebody pages may move ahead of the page.

        Raises:
            Invalid: `page` is not a token of ours (code `invalid_page`).
        """

    async def run(self, tenant: str, run: str) -> tuple[str, RunState] | None:
        """The run and the id of its conversation; also one that `conversation` still leaves out."""

    async def tenants(self) -> Sequence[str]:
        """Every tenant that has a conversation."""

    async def partitions(self) -> Mapping[int, int]:
        """How many conversations were born in each partition and are not deleted."""

    async def archived_runs(self, tenant: str, runs: Sequence[str]) -> frozenset[str]:
        """Those of the runs that the archive has."""

    async def ping(self) -> None:
        """Raises Unavailable if the database does not answer or has no tables."""

    async def close(self) -> None: ...


class ArchiveWriter(Protocol):
    """Start with `services.archive.writer.open_writer`."""

    async def write(self, messages: Sequence[Archivable]) -> Sequence[AnabranchError | None]:
        """Write all in one transaction, each in a savepoint of its own; the result says, one for one, which failed.

        A deletion removes the conversation's runs and all they hold; whatever comes for it later, and it may be older, is
        passed over without an error.

        Repeating a message changes nothing; a seal of a higher attempt of the same run replaces the lower one. A seal that
        fails has `Invalid` (counts, digest, or a value that the database refuses) or `Conflict` (the run is archived with
        another content).

        Raises:
            Unavailable: the database did not take the transaction. Whether anything was written is unknown: repeat it.
        """

    async def ping(self) -> None:
        """Raises Unavailable if the database does not answer or has no tables."""

    async def close(self) -> None: ...
