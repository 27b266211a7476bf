"""The date and the time, which no model knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from services.agent_worker.tools.tool import ToolError, tool

Zone = Annotated[str, msgspec.Meta(max_length=64, description="An IANA name.", examples=["UTC", "Europe/Zurich"])]


@tool
def now(zone: Zone = "UTC") -> str:
    """Tell the date and the time in a time zone."""
    try:
        moment = datetime.now(UTC if zone == "UTC" else ZoneInfo(zone))
    except (OSError, ValueError, KeyError) as error:
        raise ToolError(f"{zone!r} is no time zone that is known here; UTC always is", code="tool_arguments") from error
    return f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M %Z}"
