import asyncio
from typing import Annotated

import msgspec
import pytest

from schemas.errors import AnabranchError, Invalid
from services.agent_worker import tools
from services.agent_worker.discovery import discover
from services.agent_worker.tools import Progress, Tool, ToolError, tool


async def silent(step, percent, text=""):
    pass


class Row(msgspec.Struct):
    name: str
    size: int


@tool
async def measure(
    row: Row, times: Annotated[int, msgspec.Meta(ge=1, description="How often.")] = 2, *, progress: Progress
) -> Row:
    """Measure a row."""
    await progress("measuring", 50, row.name)
    return Row(row.name, row.size * times)


def test_a_model_sees_the_signature_as_a_schema_without_what_the_run_fills_in():
    assert (measure.spec.name, measure.spec.description, measure.title) == ("measure", "Measure a row.", "Measure")
    schema = measure.spec.schema
    assert set(schema["properties"]) == {"row", "times"}
    assert schema["required"] == ["row"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["times"]["minimum"] == 1
    assert schema["properties"]["row"] == {"$ref": "#/$defs/Row"}
    assert schema["$defs"]["Row"]["required"] == ["name", "size"]


async def test_arguments_arrive_as_their_types_and_results_leave_as_json():
    seen = []

    async def progress(step, percent, text=""):
        seen.append((step, percent, text))

    assert await measure({"row": {"name": "a", "size": 3}}, progress) == {"name": "a", "size": 6}
    assert seen == [("measuring", 50, "a")]


async def test_a_result_is_what_a_later_attempt_would_read_from_the_log():
    @tool
    async def odd() -> dict:
        """Odd."""
        return {1: (2, 3), "not a number": float("nan")}

    assert await odd({}, None) == {"1": [2, 3], "not a number": None}


async def test_a_result_that_cannot_be_written_down_is_a_failure_of_the_tool():
    @tool
    async def half() -> str:
        """Half a character."""
        return "\ud83d"

    with pytest.raises(ToolError, match="half failed"):
        await half({}, None)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({}, "missing required field `row`"),
        ({"row": {"name": "a"}}, "missing required field `size` - at `$.row`"),
        ({"row": {"name": "a", "size": "3"}}, r"Expected `int`, got `str` - at `$.row.size`"),
        ({"row": {"name": "a", "size": 3}, "times": 0}, "`$.times`"),
        ({"row": {"name": "a", "size": 3}, "colour": 0}, "unknown field `colour`"),
    ],
)
async def test_wrong_arguments_are_refused_in_words_that_name_them(args, says):
    with pytest.raises(ToolError) as raised:
        await measure(args, silent)
    assert raised.value.code == "tool_arguments"
    assert says in raised.value.message


async def test_a_plain_function_runs_beside_the_loop():
    @tool
    def blocking() -> str:
        """Wait for the loop to go on."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(timeout=5)
        return "went on"

    loop = asyncio.get_running_loop()
    assert await blocking({}, silent) == "went on"


async def test_a_tool_that_takes_too_long_is_stopped_and_may_be_tried_again():
    @tool(timeout_s=0.01)
    async def slow() -> None:
        """Never end."""
        await asyncio.Event().wait()

    with pytest.raises(ToolError, match=r"longer than 0\.01 s") as raised:
        await slow({}, silent)
    assert raised.value.retryable


async def test_a_tools_own_timeout_is_not_taken_for_ours():
    @tool
    async def impatient() -> None:
        """Give up."""
        raise TimeoutError

    with pytest.raises(ToolError, match="failed with TimeoutError"):
        await impatient({}, silent)


async def test_a_bug_in_a_tool_is_its_failure_and_says_nothing_private():
    @tool
    async def buggy() -> None:
        """Fail."""
        raise KeyError("secret")

    with pytest.raises(ToolError) as raised:
        await buggy({}, silent)
    assert "secret" not in raised.value.message


async def test_an_error_raised_on_purpose_goes_through_as_it_is():
    @tool
    async def refusing() -> None:
        """Refuse."""
        raise Invalid("not like this", code="mine")

    with pytest.raises(AnabranchError) as raised:
        await refusing({}, silent)
    assert raised.value.code == "mine"


def test_a_name_that_upstreams_refuse_is_refused_when_it_is_defined():
    def named(name):
        def function() -> None:
            """Do nothing."""

        function.__name__ = name
        return tool(function)

    assert named("a" * 64).spec.name == "a" * 64
    for name in ("a" * 65, "größe", "<lambda>"):
        with pytest.raises(Invalid, match=f"tool '{name}'"):
            named(name)


def test_what_a_model_could_not_use_is_refused_when_it_is_defined():
    with pytest.raises(TypeError, match="no docstring"):

        @tool
        def silent_tool() -> None: ...

    with pytest.raises(TypeError, match="parameter x has no type"):

        @tool
        def untyped(x) -> None:
            """Do something."""


def test_every_tool_of_the_package_is_found_and_gives_examples_of_what_it_requires():
    found = discover(tools, Tool)
    assert {
        "calculate",
        "now",
        "search_texts",
        "read_text",
        "collect_figures",
        "describe_values",
        "draw_bars",
    } <= found.keys()
    for each in found.values():
        schema = each.spec.schema
        assert all(schema["properties"][name].get("examples") for name in schema.get("required", ()))


async def test_every_tool_takes_its_own_examples():
    for each in discover(tools, Tool).values():
        required = each.spec.schema.get("required", ())
        args = {name: each.spec.schema["properties"][name]["examples"][0] for name in required}
        assert await each(args, silent) is not None
