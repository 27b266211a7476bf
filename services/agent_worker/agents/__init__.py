"""Agents: one small file each, found by `services.agent_worker.discovery`."""

from services.agent_worker.agents.agent import Agent, agent

__all__ = ["Agent", "agent"]
