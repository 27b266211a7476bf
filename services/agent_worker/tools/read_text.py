"""One text of the collection, whole."""

from __future__ import annotations

from typing import Annotated

import msgspec

from services.agent_worker.tools.search_texts import Text, text_of
from services.agent_worker.tools.tool import Progress, tool


@tool
async def read_text(
    id: Annotated[str, msgspec.Meta(description="As search_texts gave it.", examples=["deltas", "anabranches"])],
    *,
    progress: Progress,
) -> Text:
    """Read one text of the collection in full."""
    text = text_of(id)
    paragraphs = text.body.split("\n\n")
    for number, paragraph in enumerate(paragraphs, start=1):
        await progress("reading", 100 * number // len(paragraphs), paragraph.partition(".")[0])
    return text
