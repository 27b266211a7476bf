"""Runs in a container of the admin image: prints what archive and log have of every conversation, a JSON line each."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from schemas import subjects
from services.admin.context import open_archive, open_broker
from services.admin.settings import Settings
from services.broker.port import Broker
from services.runtime import read_settings

TENANT = "default"


async def main() -> None:
    settings = read_settings(Settings)
    async with open_archive(settings) as archive, open_broker(settings) as broker:
        page = ""
        while True:
            found = await archive.conversations(TENANT, limit=200, page=page)
            for one in found.conversations:
                archived = await archive.conversation(TENANT, one.id)
                assert archived is not None
                log = await everything(broker, archived.partition, one.id)
                line = {"conversation": one.id, "transcript": archived.transcript, "log": log}
                sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            page = found.next
            if not page:
                return


async def everything(broker: Broker, partition: int, conversation: str) -> list[tuple[int, str]]:
    subject = subjects.conversation_events(partition, TENANT, conversation)
    log: list[tuple[int, str]] = []
    while True:
        batch = await broker.read(partition, subject, log[-1][0] if log else 0)
        log += [(record.seq, bytes(record.data).decode()) for record in batch.records]
        if not batch.records or not batch.pending:
            return log


asyncio.run(main())
