"""The fold in both languages on the same log: ours here, the page's in a Node process that lives as long as the tests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from schemas.codec import decode_frame, encode_frame
from schemas.errors import FoldError
from schemas.events import Frame
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.gateway.web import build

SOURCE = Path(__file__).with_name("fold_process.ts")


class Folded(NamedTuple):
    """What became of each frame (`taken`, `passed over` or `refused`), and the transcript after all of them."""

    outcomes: list[str]
    transcript: str


class Log(NamedTuple):
    transcript: bytes
    dense: bool
    frames: list[bytes]


def log(frames: Iterable[Frame], *, dense: bool = True, transcript: Transcript | None = None) -> Log:
    return Log(
        msgspec.json.encode(transcript or Transcript(conversation="c")), dense, [encode_frame(one) for one in frames]
    )


def folded_here(given: Log) -> Folded:
    """As fold_process.ts does it: a frame that is refused leaves no trace."""
    fold = Fold(msgspec.json.decode(given.transcript, type=Transcript), dense=given.dense)
    outcomes = []
    for frame in given.frames:
        before = msgspec.json.encode(fold.snapshot())
        decoded = decode_frame(frame)
        try:
            outcomes.append("taken" if fold.apply(decoded) else "passed over")
        except FoldError:
            fold = Fold(msgspec.json.decode(before, type=Transcript), dense=given.dense)
            outcomes.append("refused")
    return Folded(outcomes, canonical(_whole(fold.snapshot())))


class Page:
    """The page's fold. To be closed."""

    def __init__(self, node: build.Node, folder: Path) -> None:
        build.install(node)
        bundle = [*build.program(node, "rolldown"), str(SOURCE), "-d", str(folder), "--platform", "node"]
        subprocess.run(bundle, check=True, capture_output=True, env=node.environment())
        script = str(folder / "fold_process.js")
        self._process = subprocess.Popen([*node.node, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def folded(self, given: Log) -> Folded:
        assert self._process.stdin is not None and self._process.stdout is not None
        dense = b"true" if given.dense else b"false"
        fields = (
            b'{"transcript":',
            given.transcript,
            b',"dense":',
            dense,
            b',"frames":[',
            b",".join(given.frames),
            b"]}\n",
        )
        self._process.stdin.write(b"".join(fields))
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, "the page's fold ended: it said why above"
        answer = json.loads(said)
        return Folded(answer["outcomes"], canonical(answer["transcript"]))

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


def canonical(value: Any) -> str:
    """JSON in which equal values are equal text. Numbers are doubles, as they are in JavaScript."""
    return json.dumps(_doubles(value), sort_keys=True, indent=1)


def _doubles(value: Any) -> Any:
    match value:
        case dict():
            return {key: _doubles(item) for key, item in value.items()}
        case list():
            return [_doubles(item) for item in value]
        case int() | float() if not isinstance(value, bool):
            return float(value) + 0.0  # no -0.0: JavaScript writes it as 0
    return value


def _whole(value: Any) -> Any:
    """Plain values of a struct, with the fields that the wire leaves out: what the page's fold holds."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        tag = {config.tag_field: config.tag} if config.tag_field else {}
        return tag | {name: _whole(item) for name, item in msgspec.structs.asdict(value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
