import importlib
import sys

import pytest

from schemas.errors import Invalid
from services.agent_worker.agents import Agent
from services.agent_worker.discovery import discover

HEADER = "from services.agent_worker.agents import agent\n"
AGENT = '@agent("{name}", description="Does {name}.")\nasync def work(run, task):\n    return task\n'


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package made of the files that the test writes: name to text."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(**files):
        folder = tmp_path / "found_here"
        folder.mkdir()
        for name, text in {"__init__": "", **files}.items():
            (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module("found_here")

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "found_here"]:
        del sys.modules[name]


def test_a_file_with_a_decorator_is_all_that_an_agent_needs(package):
    found = discover(package(one=HEADER + AGENT.format(name="a"), two=HEADER + AGENT.format(name="b")), Agent)
    assert [(agent.name, agent.description) for agent in found.values()] == [("a", "Does a."), ("b", "Does b.")]


def test_an_agent_that_another_module_imports_is_the_same_one(package):
    again = "from found_here.one import work as other\n"
    assert list(discover(package(one=HEADER + AGENT.format(name="a"), two=again), Agent)) == ["a"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + AGENT.format(name="a"), "another agent 'a'"),
        ("import nothing_of_that_name\n", "found_here.two cannot be imported: ModuleNotFoundError"),
        (HEADER + AGENT.format(name="not an id"), "agent 'not an id' is not 1 to 64"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(package, text, says):
    with pytest.raises(Invalid, match=says):
        discover(package(one=HEADER + AGENT.format(name="a"), two=text), Agent)
