"""Tools: one small file each, found by `services.agent_worker.discovery`."""

from services.agent_worker.tools.tool import Progress, Tool, ToolError, tool

__all__ = ["Progress", "Tool", "ToolError", "tool"]
