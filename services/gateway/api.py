"""What every route of the API has at hand: the parts of the gateway, and who is asking."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Path, Request

from schemas.errors import Invalid
from schemas.ids import check_id
from services.archive.port import ArchiveReader
from services.broker.port import Broker
from services.gateway.endpoint import Identify
from services.gateway.hub import Hub
from services.gateway.identity import Identity
from services.gateway.input import Input
from services.gateway.input_recent import RecentRuns
from services.gateway.metrics import Metrics


class Gateway(NamedTuple):
    hub: Hub
    broker: Broker
    archive: ArchiveReader
    input: Input
    recent: RecentRuns
    identify: Identify
    metrics: Metrics


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


Parts = Annotated[Gateway, Depends(_gateway)]


async def _caller(request: Request, gateway: Parts) -> Identity:
    return await gateway.identify(request.scope)


Caller = Annotated[Identity, Depends(_caller)]


async def _tenant(caller: Caller) -> str:
    return caller.tenant


Tenant = Annotated[str, Depends(_tenant)]


async def _conversation(
    tenant: Tenant, conversation: Annotated[str, Path(description="1 to 64 of `A-Z a-z 0-9 _ -`.")]
) -> str:
    return check_id(conversation, "conversation")


Conversation = Annotated[str, Depends(_conversation)]


class Reference(NamedTuple):
    """A thing of a conversation, as a path of its own names it: `<conversation>.<id>`. Ids of runs and artifacts are
    short because every frame repeats them, so they do not say where they belong.
    """

    conversation: str
    id: str


def parse_reference(text: str) -> Reference:
    """`conversation` is empty if the text has none. Raises Invalid: a part of it is no id."""
    conversation, dot, item = text.rpartition(".")
    if dot:
        check_id(conversation, "conversation")
    return Reference(conversation, check_id(item))


def parse_full_reference(text: str) -> Reference:
    """As `parse_reference`; raises Invalid also if no conversation is named."""
    reference = parse_reference(text)
    if not reference.conversation:
        raise Invalid(f"{text[:130]!r} is not `<conversation>.<id>`", code="invalid_id")
    return reference
