"""Writes the dashboards of deploy/grafana/dashboards: `python -m deploy.grafana.generate`. A test says when that is due."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "dashboards"
WIDTH, HEIGHT = 8, 7
"""Of a panel, in Grafana's grid of 24 columns."""

SOURCE = {"type": "prometheus", "uid": "${source}"}
RATE = "$__rate_interval"


class Panel(NamedTuple):
    """`queries`: PromQL by what its lines are called. `unit` as Grafana names it."""

    title: str
    unit: str
    queries: dict[str, str]


def rate(metric: str, by: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (rate({metric}[{RATE}]))"


def quantile(q: float, metric: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket[{RATE}])))"


def quantiles(title: str, metric: str, unit: str = "s") -> Panel:
    """The median, the slowest in twenty and in a hundred."""
    return Panel(title, unit, {f"p{round(q * 100)}": quantile(q, metric) for q in (0.5, 0.95, 0.99)})


DASHBOARDS: dict[str, list[Panel]] = {
    "Overview": [
        Panel("Runs that ended", "ops", {"{{outcome}}": rate("anabranch_runs_total", "outcome")}),
        quantiles("From a message to its answer's beginning", "anabranch_run_first_message_seconds"),
        Panel("Viewers", "short", {"{{state}}": "sum by (state) (anabranch_viewers)"}),
        Panel("Runs that go on", "short", {"running": "sum(anabranch_lanes_open)", "slots": "sum(anabranch_slots)"}),
        quantiles("From an event to its viewers", "anabranch_delivery_delay_seconds"),
        Panel("Events", "ops", {
            "into the log": rate("anabranch_events_published_total"),
            "pushed to viewers": rate("anabranch_pushed_events_total"),
        }),
        Panel("Failed runs", "ops", {"{{code}}": rate("anabranch_runs_failed_total", "code")}),
        Panel("What waits", "short", {"{{stream}}": "max by (stream) (anabranch_queue_waiting)"}),
        quantiles("From a run's end to its commit", "anabranch_archive_behind_seconds"),
        Panel("Connections to NATS", "short", {
            "{{job}} connected": "sum by (job) (anabranch_broker_connected)",
            "{{job}} came back": "sum by (job) (increase(anabranch_broker_reconnects_total[$__range]))",
        }),
        Panel("Event loop, slowest in twenty", "s", {"{{instance}}": quantile(0.95, "anabranch_loop_lag_seconds", "instance")}),
        Panel("Memory", "bytes", {"{{instance}}": "process_resident_memory_bytes"}),
    ],
    "Worker": [
        quantiles("A frame into the log", "anabranch_publish_seconds"),
        Panel("Frames and events", "ops", {
            "frames": rate("anabranch_frames_published_total"),
            "events": rate("anabranch_events_published_total"),
        }),
        Panel("Bytes into the log", "Bps", {"{{instance}}": rate("anabranch_frame_bytes_total", "instance")}),
        Panel("Lanes", "short", {
            "open": "sum(anabranch_lanes_open)",
            "with a frame on its way": "sum(anabranch_lanes_in_flight)",
            "full": "sum(anabranch_lanes_full)",
        }),
        Panel("Events that wait for the log", "short", {"{{instance}}": "anabranch_lane_events_waiting"}),
        Panel("Sent again, lost", "ops", {
            "sent again": rate("anabranch_publish_retries_total"),
            "lane lost: {{code}}": rate("anabranch_lanes_lost_total", "code"),
        }),
        quantiles("A message waits for a worker", "anabranch_run_queued_seconds"),
        Panel("Duration of runs, slowest in twenty", "s", {"{{agent}}": quantile(0.95, "anabranch_run_seconds", "agent")}),
        Panel("Takeovers, attempts lost", "ops", {
            "takeovers": rate("anabranch_takeovers_total"),
            "lost: {{code}}": rate("anabranch_attempts_lost_total", "code"),
            "commands put aside": rate("anabranch_commands_dead_total"),
        }),
        quantiles("A model's first token", "anabranch_model_first_token_seconds"),
        quantiles("A model's answer", "anabranch_model_seconds"),
        Panel("Calls of models", "ops", {
            "{{model}} {{outcome}}": rate("anabranch_model_calls_total", "model, outcome"),
            "{{code}}": rate("anabranch_model_errors_total", "code"),
        }),
        Panel("Tokens", "ops", {"{{model}} {{direction}}": rate("anabranch_model_tokens_total", "model, direction")}),
        Panel("Calls of tools", "ops", {"{{tool}} {{outcome}}": rate("anabranch_tool_calls_total", "tool, outcome")}),
        quantiles("A tool", "anabranch_tool_seconds"),
    ],
    "Gateway": [
        Panel("Viewers by gateway", "short", {"{{instance}} {{state}}": "anabranch_viewers"}),
        Panel("Connections", "short", {"{{instance}} {{kind}}": "anabranch_connections_open"}),
        Panel("Conversations", "short", {
            "{{instance}} open": "anabranch_conversations_open",
            "{{instance}} joining": "anabranch_conversations_joining",
        }),
        Panel("Frames and events to viewers", "ops", {
            "frames": rate("anabranch_delivered_frames_total"),
            "events to who is level": rate("anabranch_pushed_events_total"),
        }),
        Panel("Bytes to viewers", "Bps", {"{{instance}}": rate("anabranch_delivered_bytes_total", "instance")}),
        quantiles("From an event to its viewers", "anabranch_delivery_delay_seconds"),
        Panel("Level with the log, slowest in twenty", "s", {"{{by}}": quantile(0.95, "anabranch_caught_up_seconds", "by")}),
        Panel("Bytes until level, largest in twenty", "bytes", {"{{by}}": quantile(0.95, "anabranch_replayed_bytes", "by")}),
        quantiles("A conversation is opened", "anabranch_join_seconds"),
        Panel("Fallen behind, gaps, rebuilt", "ops", {
            "fallen behind": rate("anabranch_viewers_fallen_behind_total"),
            "gap: {{reason}}": rate("anabranch_gaps_total", "reason"),
            "rebuilt: {{reason}}": rate("anabranch_conversations_rebuilt_total", "reason"),
        }),
        Panel("WebSockets closed by us", "ops", {"{{reason}}": rate("anabranch_websockets_closed_total", "reason")}),
        Panel("Draining", "short", {"{{instance}}": "anabranch_draining"}),
        Panel("Requests", "ops", {"{{status}}": rate("anabranch_http_requests_total", "status")}),
        Panel("First byte, slowest in twenty", "s", {"{{route}}": quantile(0.95, "anabranch_http_first_byte_seconds", "route")}),
        Panel("Requests being answered", "short", {"{{instance}}": "anabranch_http_requests_open"}),
    ],
    "Streams and archive": [
        Panel("Messages", "short", {"{{stream}}": "max by (stream) (anabranch_stream_messages)"}),
        Panel("Oldest message", "s", {"{{stream}}": "max by (stream) (anabranch_stream_oldest_seconds)"}),
        Panel("How full", "percentunit", {"{{stream}}": "max by (stream) (anabranch_stream_full_ratio)"}),
        Panel("Queues", "short", {
            "{{stream}} waiting": "max by (stream) (anabranch_queue_waiting)",
            "{{stream}} held": "max by (stream) (anabranch_queue_held)",
        }),
        Panel("Mirrors behind", "short", {"{{stream}}": "max by (stream) (anabranch_mirror_behind)"}),
        Panel("Servers that are well", "short", {"{{server}}": "anabranch_nats_healthy"}),
        Panel("Age of these figures", "s", {"age": "max(anabranch_streams_read_age_seconds)"}),
        quantiles("A transaction", "anabranch_archive_commit_seconds"),
        quantiles("Messages in a transaction", "anabranch_archive_batch_seals", "short"),
        quantiles("From a run's end to its commit", "anabranch_archive_behind_seconds"),
        Panel("Seals", "ops", {"{{outcome}}": rate("anabranch_seals_total", "outcome")}),
        Panel("Transactions refused", "ops", {"{{instance}}": rate("anabranch_archive_failures_total", "instance")}),
        Panel("Archive down", "short", {"{{instance}}": "anabranch_archive_down"}),
    ],
}  # fmt: skip


def dashboard(title: str, panels: list[Panel]) -> dict[str, Any]:
    uid = f"anabranch-{title.lower().replace(' ', '-')}"
    choice = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "uid": uid,
        "title": f"Anabranch: {title}",
        "tags": ["anabranch"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [choice]},
        "links": [{"type": "dashboards", "tags": ["anabranch"], "title": "Anabranch", "asDropdown": True}],
        "panels": [panel(number, one) for number, one in enumerate(panels)],
    }


def panel(number: int, one: Panel) -> dict[str, Any]:
    across = 24 // WIDTH
    targets = [
        {"refId": chr(ord("A") + index), "expr": query, "legendFormat": name, "datasource": SOURCE}
        for index, (name, query) in enumerate(one.queries.items())
    ]
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": one.title,
        "datasource": SOURCE,
        "gridPos": {"x": number % across * WIDTH, "y": number // across * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": one.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }


def files() -> dict[Path, str]:
    """What the folder should hold."""
    found = {}
    for title, panels in DASHBOARDS.items():
        made = dashboard(title, panels)
        found[FOLDER / f"{made['uid']}.json"] = json.dumps(made, indent=2) + "\n"
    return found


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
