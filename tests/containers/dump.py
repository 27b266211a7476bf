"""Runs in a container of the admin image: prints what archive and log have of every conversation, a JSON line each."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from schemas import subjects
from services.admin.settings import Settings
from services.archive.reader import open_reader
from services.broker.jetstream import connect
from services.runtime import read_settings

TENANT = "default"


async def main() -> None:
    settings = read_settings(Settings)
    archive = open_reader(settings.database_url)
    broker = await connect(settings.nats_url, "dump")
    page = ""
    while True:
        found = await archive.conversations(TENANT, limit=200, page=page)
        for one in found.conversations:
            archived = await archive.conversation(TENANT, one.id)
            assert archived is not None
            subject = subjects.conversation_events(archived.partition, TENANT, one.id)
            log: list[tuple[int, str]] = []
            while True:
                batch = await broker.read(archived.partition, subject, log[-1][0] if log else 0)
                log += [(record.seq, bytes(record.data).decode()) for record in batch.records]
                if not batch.records or not batch.pending:
                    break
            line = {"conversation": one.id, "transcript": archived.transcript, "log": log}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        page = found.next
        if not page:
            break
    await broker.close()
    await archive.close()


asyncio.run(main())
