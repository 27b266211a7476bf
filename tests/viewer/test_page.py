"""The page's fold against the fold: the same logs through `page.js`, run by Node."""

import json
import random
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from schemas import events as ev
from schemas.codec import encode_frame
from schemas.fold import Fold, fold_all
from schemas.transcript import AnyItem, State, Transcript
from tests.schemas import logs
from tests.viewer import demo

WEB = Path(__file__).resolve().parents[2] / "services" / "gateway" / "web"
NODE = shutil.which("node")
LOGS = 150

DRIVER = """
import { readFileSync } from "node:fs";
import { Fold } from "./page.mjs";
const answers = JSON.parse(readFileSync(0, "utf8")).map(({ transcript, frames }) => {
  const fold = new Fold(transcript);
  try {
    for (const frame of frames) fold.apply(frame);
  } catch (error) {
    return { error: error.message };
  }
  return { title: fold.title, runs: [...fold.runs.values()], items: [...fold.items.values()] };
});
console.log(JSON.stringify(answers));
"""

SHOWN = ("id", "run", "ns", "status", "role", "content", "name", "args", "args_text", "result", "error", "progress")


@pytest.fixture(scope="module")
def page_fold(tmp_path_factory):
    if NODE is None:
        pytest.skip("there is no node here")
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(WEB / "page.js", folder / "page.mjs")  # Node takes the module syntax of the file by its name
    (folder / "driver.mjs").write_text(DRIVER)

    def fold(jobs: list[dict]) -> list[dict]:
        text = json.dumps(jobs)
        done = subprocess.run(
            [NODE, folder / "driver.mjs"], input=text, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return fold


def job(head: Transcript, frames: list[ev.Frame]) -> dict:
    """As the wire gives it: the log's own bytes with their `seq`, defaults left out."""
    return {
        "transcript": msgspec.to_builtins(head),
        "frames": [json.loads(encode_frame(frame)) for frame in frames],
    }


def expected(item: AnyItem) -> dict:
    """What the page shows of an item, empty fields left out on both sides."""
    shown = {name: msgspec.to_builtins(getattr(item, name, None)) for name in SHOWN}
    versions = [
        [version.version, version.status, version.content or "", version.size]
        for version in getattr(item, "versions", [])
    ]
    return _without_empty({**shown, "type": item.__struct_config__.tag, "versions": versions})


def actual(item: dict) -> dict:
    versions = [
        [one["version"], one.get("status", "intermediate"), one.get("content") or "", one.get("size", 0)]
        for one in item.get("versions", [])
    ]
    return _without_empty({**{name: item.get(name) for name in SHOWN}, "type": item["type"], "versions": versions})


def _without_empty(fields: dict) -> dict:
    fields = {name: _without_empty(value) if isinstance(value, dict) else value for name, value in fields.items()}
    return {name: value for name, value in fields.items() if value not in (None, "", 0, [], {})}


def test_the_page_folds_random_logs_as_the_fold_does_whole_and_from_a_snapshot(page_fold):
    jobs, wanted = [], []
    for seed in range(LOGS):
        rng = random.Random(seed)
        log = logs.conversation(rng)
        cut = rng.randint(0, len(log)) if seed % 2 else 0
        jobs.append(job(fold_all("c", log[:cut]), log[cut:]))
        wanted.append(fold_all("c", log))
    for answer, transcript in zip(page_fold(jobs), wanted, strict=True):
        assert "error" not in answer, answer
        assert answer["title"] == transcript.title
        assert [(run["id"], run["status"], run["last"], run["attempt"]) for run in answer["runs"]] == [
            (run.id, run.status, run.last, run.attempt) for run in transcript.runs
        ]
        shown = [item for item in transcript.items if not isinstance(item, State)]
        assert [actual(item) for item in answer["items"] if item["type"] != "state"] == [
            expected(item) for item in shown
        ]


def test_a_hole_or_a_delta_that_does_not_fit_is_an_error_on_the_page_too(page_fold):
    log = demo.team_run()
    empty = Transcript(conversation="c")
    delta = next(frame for frame in log if isinstance(frame.events[0], ev.MessageDelta))
    wrong = logs.replace(delta, events=[ev.MessageDelta(id=delta.events[0].id, at=7, text="x")])
    answers = page_fold([job(empty, [*log[:3], log[4]]), job(empty, [*log[: log.index(delta)], wrong])])
    assert "are missing" in answers[0]["error"]
    assert "a delta at 7" in answers[1]["error"]


def test_repeated_frames_and_those_of_a_stale_attempt_change_nothing_on_the_page(page_fold):
    log = demo.team_run()
    again = [frame for frame in log for _ in range(2)]
    (answer,) = page_fold([job(Transcript(conversation="c"), again)])
    assert len(answer["items"]) == len(list(Fold(fold_all("c", log)).items()))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.sources: list[str] = []
        self._in = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag in {"script", "link"}:
            self.sources.append(given.get("src") or given.get("href"))
        self._in = tag

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in in {"script", "style"} and data.strip():
            self.inline.append(data)


def test_the_page_holds_to_its_content_security_policy():
    page = _Page()
    page.feed((WEB / "index.html").read_text())
    assert page.inline == []
    assert page.sources == ["data:,", "static/page.css", "static/page.js"]
    script = (WEB / "page.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)
