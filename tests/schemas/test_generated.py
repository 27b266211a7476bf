"""What `make generate` writes: it is current, and the documents say of real logs what the schemas say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from schemas import documents, events, shapes, wire
from schemas.__main__ import ROOT, generated
from schemas.codec import KNOWN_TYPES

GOLDEN = ROOT / "tests" / "golden"
DEFINITIONS = documents.json_schema()["$defs"]


def checker(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$defs": DEFINITIONS, "$ref": f"#/$defs/{name}"})


def frames() -> list[dict[str, Any]]:
    return [json.loads(line) for path in GOLDEN.glob("*.log.jsonl") for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_what_is_committed_is_what_make_generate_writes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], "run `make generate` and commit what it writes"


def test_the_json_schema_is_one() -> None:
    Draft202012Validator.check_schema(documents.json_schema())


def test_the_json_schema_takes_every_frame_of_the_golden_logs() -> None:
    assert [error.message for frame in frames() for error in checker("Frame").iter_errors(frame)] == []


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.transcript.json")), ids=lambda path: path.name)
def test_the_json_schema_takes_every_golden_transcript(path: Path) -> None:
    assert [error.message for error in checker("Transcript").iter_errors(json.loads(path.read_bytes()))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"run": "r", "n": 1, "ts": 1},
        {"run": "r", "n": "1", "ts": 1, "events": []},
        {"run": "r", "n": 1, "ts": 1, "events": [{"type": "message.delta", "id": "m1", "text": "no place"}]},
        {"run": "r", "n": 1, "ts": 1, "events": [{"id": "m1", "text": "no type"}]},
    ],
)
def test_the_json_schema_refuses_what_the_codec_refuses(wrong: dict[str, Any]) -> None:
    assert not checker("Frame").is_valid(wrong)


def test_the_json_schema_takes_an_event_of_a_type_that_is_newer() -> None:
    assert checker("Frame").is_valid({"run": "r", "n": 1, "ts": 1, "events": [{"type": "dream.started", "depth": 3}]})


def test_the_json_schema_refuses_an_id_that_the_gateway_refuses() -> None:
    assert checker("AnyClientMessage").is_valid({"op": "cancel", "conversation": "c-1", "run": "r"})
    assert not checker("AnyClientMessage").is_valid({"op": "cancel", "conversation": "a.b", "run": "r"})


def test_every_server_message_is_valid_as_it_is_encoded() -> None:
    sent = [
        wire.Subscribed(sub="s", conversation="c", mode="replay", cursor="e-1"),
        wire.Snapshot(sub="s", cursor="e-1", transcript=wire.Transcript(conversation="c")),
        wire.Events(sub="s", prev="e-1", cursor="e-2", frames=[events.Frame(run="r", n=1, ts=1, events=[])]),
        wire.CaughtUp(sub="s", cursor="e-2"),
        wire.Gap(sub="s", after="e-1", to="e-9", reason="retention"),
        wire.Lagging(sub="s", cursor="e-1"),
        wire.Ack(ref="m1"),
        wire.Error(code="invalid", message="no"),
        wire.Reconnect(after_ms=5),
        wire.Pong(),
    ]
    assert {type(message).__name__ for message in sent} == set(shapes.unions()["AnyServerMessage"])
    for message in sent:
        checker("AnyServerMessage").validate(json.loads(msgspec.json.encode(message)))


def test_every_reference_of_the_asyncapi_document_leads_to_something() -> None:
    document = documents.asyncapi()
    for reference in references(document):
        place: Any = document
        for token in reference.removeprefix("#/").split("/"):
            assert token in place, reference
            place = place[token]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(target := value.get("$ref"), str):
            yield target
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from references(one)


def test_the_asyncapi_document_has_the_subjects_of_the_log_and_the_queues() -> None:
    addresses = {channel["address"] for channel in documents.asyncapi()["channels"].values()}
    assert "ab.evt.{partition}.{tenant}.{conversation}.{lane}" in addresses
    assert "ab.live.{partition}.{tenant}.{conversation}.{lane}" in addresses
    assert "ab.cmd.{agent}.{tenant}.{conversation}" in addresses


def test_the_types_of_the_page_have_every_event() -> None:
    (text,) = [text for path, text in generated().items() if path.name == "types.ts"]
    assert [tag for tag in KNOWN_TYPES if f'  type: "{tag}";\n' not in text] == []


def test_no_type_of_the_page_shadows_the_error_of_javascript() -> None:
    (text,) = [text for path, text in generated().items() if path.name == "types.ts"]
    assert "export interface ErrorMessage {" in text
    assert "export interface Error {" not in text
