"""Agents: whom a message can ask for."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter

from services.gateway.api import Parts, Tenant
from services.gateway.api_json import Json, returns
from services.gateway.api_messages import AGENT

router = APIRouter(tags=["agents"])


class AgentHead(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str


class AgentList(msgspec.Struct, frozen=True, kw_only=True):
    """By name. `default` is whom a message asks that names nobody, whether or not it is among them just now."""

    agents: list[AgentHead]
    default: str


TYPES = (AgentList,)


@router.get("/v1/agents", responses=returns(200, AgentList, "The agents that workers have announced lately."))
async def list_agents(tenant: Tenant, gateway: Parts) -> Json:
    """What workers said in the last ten minutes that they run; no worker is asked. Others can be asked for, too: the
    message waits until a worker comes, which answers or says that it does not know the agent.
    """
    found = await gateway.broker.agents()
    heads = [AgentHead(name=card.name, description=card.description) for card in found]
    return Json(AgentList(agents=heads, default=AGENT))
