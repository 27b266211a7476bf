"""A bar chart as a Vega-Lite specification, which every page can draw and every person can read."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from services.agent_worker.tools.figures import Figure
from services.agent_worker.tools.tool import tool

VEGA_LITE = "https://vega.github.io/schema/vega-lite/v5.json"
BARS_MAX = 40

Rows = Annotated[
    list[Figure],
    msgspec.Meta(
        min_length=1,
        max_length=BARS_MAX,
        examples=[[{"label": "Nile", "value": 6650}, {"label": "Rhine", "value": 1230}]],
    ),
]


@tool
def draw_bars(
    title: Annotated[str, msgspec.Meta(max_length=200, examples=["Lengths"])], rows: Rows, unit: str = ""
) -> dict[str, Any]:
    """Draw labelled values as a bar chart, largest first. Returns a Vega-Lite specification."""
    return {
        "$schema": VEGA_LITE,
        "title": title,
        "width": "container",
        "data": {"values": [{"label": row.label, "value": row.value} for row in rows]},
        "mark": {"type": "bar", "cornerRadiusEnd": 3, "tooltip": True},
        "encoding": {
            "y": {"field": "label", "type": "nominal", "sort": "-x", "title": None},
            "x": {"field": "value", "type": "quantitative", "title": unit or "value"},
        },
    }
