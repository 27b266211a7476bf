"""How things are said in one line, in the panels and in plain output alike."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from schemas.transcript import Artifact, ArtifactVersion, RunState, ToolCall

VALUE_CHARS_MAX = 120
"""Of arguments and results: a line says what was asked and found, the artifact or the API has the whole."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` without what would steer a terminal (escape sequences, carriage returns, changes of direction).

    Models repeat what they read, and what they read is written by strangers. Line ends and tabs stay.
    """
    return _CONTROL.sub("�", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`text` on one line: line ends are written as `\\n`, so that a thing is a line whatever it contains."""
    return printable(text.strip()).replace("\n", "\\n").replace("\t", " ")


def clip(text: str, chars: int = VALUE_CHARS_MAX) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"


def value(thing: Any) -> str:
    """A result in short: text as it is, anything else as JSON."""
    text = thing if isinstance(thing, str) else msgspec.json.encode(thing, enc_hook=str).decode()
    return clip(one_line(text))


def call(tool: ToolCall, chars: int = VALUE_CHARS_MAX) -> str:
    """`search(query="rivers", limit=3)`, or what has streamed of the arguments, of which at most `chars` are said."""
    if tool.args is None:
        return f"{one_line(tool.name)}({clip(one_line(tool.args_text), chars)}"
    args = ", ".join(f"{one_line(name)}={msgspec.json.encode(arg).decode()}" for name, arg in tool.args.items())
    return f"{one_line(tool.name)}({clip(one_line(args), chars)})"


def artifact(item: Artifact, version: ArtifactVersion) -> str:
    """`chart "Discharge" v2 final, 1,204 bytes`."""
    what = f'{one_line(item.kind)} "{one_line(item.name)}" v{version.version}'
    if version.status == "final":
        return f"{what} final, {version.size:,} bytes"
    status = "interrupted" if item.status == "interrupted" else "intermediate"
    return f"{what} {status}, {len(version.content or ''):,} characters"


def took(started: int, ended: int) -> str:
    """The time between two instants in ms, to be read by a person."""
    seconds = max(0, ended - started) / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def usage(run: RunState) -> str:
    """`smollm2: 210 in (64 cached), 96 out (12 reasoning)` for each model; empty if nothing is known."""
    said = []
    for one in run.usage:
        cached = f" ({one.cached:,} cached)" if one.cached else ""
        reasoning = f" ({one.reasoning:,} reasoning)" if one.reasoning else ""
        said.append(f"{one_line(one.model)}: {one.input:,} in{cached}, {one.output:,} out{reasoning}")
    return "; ".join(said)


def run_status(run: RunState) -> str:
    """`running, attempt 2`, `failed model_error: the model did not answer`, `completed in 4.2 s`."""
    if run.over:
        error = f" {one_line(run.error.code)}: {one_line(run.error.message)}" if run.error else ""
        by = f" by {one_line(run.by)}" if run.by else ""
        return f"{run.status}{error}{by} in {took(run.started or run.queued or run.ended, run.ended)}"
    status = "running" if run.status == "queued" and not waits(run) else run.status
    attempt = f", attempt {run.attempt} (taken over)" if run.attempt > 1 else ""
    retrying = f", retrying after {one_line(run.retrying)}" if run.retrying else ""
    return f"{status}{attempt}{retrying}"


def waits(run: RunState) -> bool:
    """Whether no worker has taken the run up yet. Who came with a cursor may not have seen `run.started`."""
    return run.status == "queued" and not run.attempt
