"""docs/scaling.md says what its inputs make, and each input that is measured or configured stands where it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.scaling.__main__ import PAGE, TABLE, filled
from tests.scaling.inputs import PROSE, Inputs, sources
from tests.scaling.model import Model, limits
from tests.scaling.tables import short, tables

ROOT = Path(__file__).resolve().parents[2]
SOURCED = [name for name, source in sources().items() if source.file]


@pytest.mark.parametrize("name", SOURCED)
def test_an_input_is_the_number_that_its_source_has(name):
    source = sources()[name]
    assert source.quote in (ROOT / source.file).read_text(), (
        f"{source.file} says something else now: tests/scaling/inputs.py"
    )
    assert source.says(getattr(Inputs(), name))


def test_the_page_has_every_table_as_the_inputs_make_it():
    page = PAGE.read_text()
    assert [found[1] for found in TABLE.finditer(page)] == list(tables(Inputs()))
    assert page == filled(page, Inputs()), "python -m tests.scaling --write"


def test_every_number_of_a_sentence_is_in_a_table_or_where_it_was_measured():
    prose = re.sub(r"`[^`]*`|\]\([^)]*\)|```.*?```", "", TABLE.sub("", PAGE.read_text()), flags=re.DOTALL)
    said = set(re.findall(r"(?<![\w.,])\d[\d,]*\d(?:\.\d+)?|(?<![\w.,])\d\.\d+", prose)) - {"10"}
    made = set(re.findall(r"\d[\d,]*(?:\.\d+)?", "".join(tables(Inputs()).values())))
    assert "20,108" in said
    assert said - made - set(PROSE) == set()
    assert set(PROSE) <= said | made


@pytest.mark.parametrize("number", PROSE)
def test_a_number_that_a_sentence_quotes_is_still_there(number):
    source = PROSE[number]
    assert source.quote in (ROOT / source.file).read_text()
    assert source.says(float(number.replace(",", "")))


def test_another_measurement_makes_another_page():
    page = PAGE.read_text()
    for name in sources():
        changed = msgspec.structs.replace(Inputs(), **{name: getattr(Inputs(), name) * 3})
        assert filled(page, changed) != page


def test_what_a_run_costs_is_the_sum_that_a_person_would_do():
    model = Model(Inputs(tokens_s=50, speaking=0.5, spacing_ms=16, append_us=64, frame_bytes=255, run_s=60))
    assert model.frames == 25  # a token each, since 16 ms is less than the 20 ms between two of them
    assert model.append_us == 3 * 25 * 64
    assert model.log_bytes == 25 * 255
    assert Model(Inputs(tokens_s=50, speaking=0.5, spacing_ms=250)).frames == 2
    assert Model(Inputs(run_s=60, run_kb=22.4, runs_per_conversation=10)).conversation_kb == 224


def test_fewer_frames_cost_less_of_everything_that_is_paid_by_the_frame():
    near, far = Model(Inputs()), Model(Inputs(spacing_ms=250))
    for cost in ("append_us", "gateway_us", "ids_bytes", "log_bytes"):
        assert getattr(far, cost) < getattr(near, cost) / 5
    assert far.tokens == near.tokens


def test_limits_come_in_the_order_in_which_they_are_reached():
    found = [limit.runs for limit in limits(Inputs())]
    assert found == sorted(found)
    assert Inputs().held in found
    assert Inputs().workers * Inputs().slots in found


def test_ten_times_the_runs_need_ten_times_the_machines():
    model = Model(Inputs())
    for needed in (model.slots, model.nodes, model.clusters, model.worker_pods, model.gateway_pods, model.databases):
        assert needed(1e9) == pytest.approx(needed(1e8) * 10, rel=0.01)


@pytest.mark.parametrize(("value", "said"), [(0.01234, "0.0123"), (25, "25"), (999.7, "1,000"), (123_456, "123,000")])
def test_numbers_have_three_digits_that_matter(value, said):
    assert short(value) == said


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.scaling", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_reader_may_change_an_input_and_is_told_of_one_that_is_not_there():
    assert asked("tokens_s=30").stdout == "\n\n".join(tables(Inputs(tokens_s=30)).values()) + "\n"
    assert "there is no input tokens" in asked("tokens=30").stderr
    assert "could not convert" in asked("tokens_s=many").stderr
