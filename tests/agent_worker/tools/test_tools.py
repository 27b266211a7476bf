import pytest

from schemas.errors import NotFound
from services.agent_worker.tools import ToolError
from services.agent_worker.tools.calculate import calculate
from services.agent_worker.tools.collect_figures import collect_figures
from services.agent_worker.tools.describe_values import describe_values
from services.agent_worker.tools.draw_bars import draw_bars
from services.agent_worker.tools.figures import figures_in
from services.agent_worker.tools.now import now
from services.agent_worker.tools.read_text import read_text
from services.agent_worker.tools.search_texts import collection, search_texts


class Seen(list):
    async def __call__(self, step, percent, text=""):
        self.append(percent)


async def call(tool, /, **args):
    return await tool(args, Seen())


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("17*23", 391),
        (" (6650 - 1230) / 2 ", 2710.0),
        ("-5 // 2", -3),
        ("2**10 % 7", 2),
        ("sqrt(2)**2", pytest.approx(2)),
        ("max(1, 2, pi)", pytest.approx(3.14159265)),
        ("2**60", "1152921504606846976"),
    ],
)
async def test_arithmetic_is_worked_out(expression, result):
    assert await call(calculate, expression=expression) == result


@pytest.mark.parametrize(
    "expression",
    ["", "a", "1 +", "1/0", "9**9**9", "9**9**9.0", "2**99999", "sqrt(-1)", "(-8)**0.5", "1e308*10", "True + 1", "'a' * 9",
     "__import__('os')", "(1).real", "[1][0]", "max(*[1])", "round(1, ndigits=2)", "lambda: 1", "1 if 1 else 2", "1 < 2"],
)  # fmt: skip
async def test_what_is_no_arithmetic_or_too_large_is_refused(expression):
    with pytest.raises(ToolError) as raised:
        await call(calculate, expression=expression)
    assert raised.value.code == "tool_arguments"


async def test_a_search_ranks_the_text_about_it_first_and_shows_how_far_it_is():
    seen = Seen()
    found = await search_texts({"query": "Why do deltas form?", "limit": 2}, seen)
    assert found[0]["id"] == "deltas"
    assert len(found) <= 2
    assert "slows down" in found[0]["passage"]
    assert seen == sorted(seen)
    assert seen[-1] == 100


async def test_a_search_for_nothing_known_finds_nothing():
    assert await call(search_texts, query="zzz qqq") == []


async def test_a_text_is_read_whole_and_an_unknown_one_is_named_with_those_there_are():
    text = await call(read_text, id="deltas")
    assert text["title"] == "Deltas"
    assert "Mekong" in text["body"]
    with pytest.raises(NotFound, match="deltas"):
        await call(read_text, id="../secrets")


def test_the_collection_is_a_dozen_titled_texts():
    assert len(collection()) >= 12
    assert all(text.title and len(text.body) > 200 for text in collection())


@pytest.mark.parametrize(
    ("text", "unit", "rows"),
    [
        ("The Nile is 6,650 km long, the Rhine 1,230 km.", "km", {"Nile": 6650, "Rhine": 1230}),
        ("- Tea: 120\n- Coffee: 340.5", "", {"Tea": 120, "Coffee": 340.5}),
        ("Po (652 km); Elbe = 1094 km", "km", {"Po": 652, "Elbe": 1094}),
        ("Berlin 3 %, Paris 4 %, and Rome is 28 °C", "%", {"Berlin": 3, "Paris": 4}),
        ("Nothing to see", "", {}),
        ("In 2024", "", {}),
    ],
)
def test_figures_are_read_from_prose_with_one_unit(text, unit, rows):
    figures = figures_in(text, "here")
    assert (figures.unit, {row.label: row.value for row in figures.rows}) == (unit, rows)


async def test_figures_come_from_the_question_first_then_from_the_best_text_then_from_counting():
    stated = await call(collect_figures, query="Compare tea: 3 cups, coffee: 5 cups")
    assert (stated["source"], stated["unit"], len(stated["rows"])) == ("the question", "cups", 2)
    found = await call(collect_figures, query="Compare the lengths of rivers")
    assert (found["unit"], found["rows"][0]["label"]) == ("km", "Nile")
    counted = await call(collect_figures, query="zzz")
    assert counted["unit"] == "words"
    assert len(counted["rows"]) == len(collection())


async def test_values_are_described_the_same_way_every_time():
    described = await call(describe_values, values=[1, 2, 3, 4, 10])
    assert (described["count"], described["mean"], described["median"]) == (5, 4, 3)
    assert described["low"] < 4 < described["high"]
    assert await call(describe_values, values=[1, 2, 3, 4, 10]) == described
    assert (await call(describe_values, values=[7]))["deviation"] == 0


async def test_a_chart_has_the_data_it_was_given():
    chart = await call(draw_bars, title="T", rows=[{"label": "a", "value": 1}], unit="km")
    assert chart["data"]["values"] == [{"label": "a", "value": 1.0}]
    assert chart["encoding"]["x"]["title"] == "km"


async def test_the_time_is_told_and_a_zone_that_is_none_is_refused():
    assert (await call(now)).endswith("UTC")
    for zone in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(ToolError):
            await call(now, zone=zone)
