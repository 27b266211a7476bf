"""Runs in a container of a gateway: asks the broker to delete the log, as itself and as nobody, and prints what comes of it."""

from __future__ import annotations

import asyncio

from schemas.errors import AnabranchError
from services.broker import api
from services.broker.connection import Connection
from services.broker.credentials import NO_CREDENTIALS, Credentials
from services.runtime import read_settings


async def main() -> None:
    for who, credentials in (("gateway", read_settings(Credentials)), ("nobody", NO_CREDENTIALS)):
        try:
            connection = await Connection.open("nats://nats:4222", "gateway", 0.0, credentials)
        except AnabranchError as error:
            print(f"{who}: {error.code}")
            continue
        try:
            await api.call(connection, "STREAM.DELETE.AB_EVENTS_0")
            print(f"{who}: deleted")
        except AnabranchError as error:
            print(f"{who}: connected, {error.code}")
        await connection.close()


asyncio.run(main())
