"""The model on this machine, end to end: the process, the weights, the real SDK, both protocols, several at a time."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from schemas.errors import Invalid
from services.agent_worker.models.choose import LOCAL_MODEL, Settings, choose
from services.agent_worker.models.openai_responses import OpenAIResponses
from services.agent_worker.models.port import ContextTooLong, ModelRequest, SystemMessage, TextDelta, UserMessage
from services.agent_worker.models.upstream import Upstream
from services.local_model.server import check_free

ROOT = Path(__file__).parents[3]
START_S_MAX = 30
PARALLEL = 3


@pytest.fixture(scope="module")
def local_model():
    environment = os.environ | {"ANABRANCH_LOCAL_MODEL_PORT": "0"}
    command = [sys.executable, "-m", "services.local_model"]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[-1]
        if process.poll() is None:
            process.kill()


async def say(model, text, max_tokens):
    request = ModelRequest(messages=(SystemMessage("You are brief."), UserMessage(text)), max_tokens=max_tokens)
    async with aclosing(model.stream(request)) as events:
        said = [event async for event in events]
    assert all(isinstance(event, TextDelta) for event in said[:-1])
    return "".join(event.text for event in said[:-1]), said[-1]


async def test_both_protocols_stream_real_text_and_several_at_a_time(local_model):
    _, url = local_model
    chat = choose(Settings(local_model_url=url))
    responses = OpenAIResponses(Upstream(api_key="local", base_url=url), LOCAL_MODEL, context_tokens=2048)
    async with asyncio.timeout(START_S_MAX), asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(say(chat, f"Say one thing about river {n}.", 12)) for n in range(PARALLEL)]
        asked.append(tasks.create_task(say(responses, "Say one thing about deltas.", 12)))
    for task in asked:
        text, finished = task.result()
        assert text.strip()
        assert finished.usage.output > 0
        assert finished.usage.model == LOCAL_MODEL
    with pytest.raises(ContextTooLong):
        await say(chat, "much " * 3000, 5)
    await chat.close()
    await responses.close()


def test_it_leaves_at_once_when_it_is_told_to(local_model):
    process, _ = local_model
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def test_a_taken_port_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(Invalid, match="set ANABRANCH_LOCAL_MODEL_PORT"):
            check_free("127.0.0.1", port)
    check_free("127.0.0.1", port)


def test_it_does_not_outlive_its_parent():
    """The parent here is a Python that starts it, passes on its pid and address, and dies without a word."""
    starter = (
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-m', 'services.local_model'], stdout=subprocess.PIPE, text=True);"
        "print(child.stdout.readline().split()[-1], flush=True)"
    )
    environment = os.environ | {"ANABRANCH_LOCAL_MODEL_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", starter], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        address = parent.stdout.readline()
        assert address.startswith("http://127.0.0.1:")
    host, port = address.strip().removeprefix("http://").removesuffix("/v1").split(":")
    asyncio.run(_closed(host, int(port)))


async def _closed(host, port):
    async with asyncio.timeout(10):
        while True:
            try:
                check_free(host, port)
            except Invalid:
                await asyncio.sleep(0.05)
            else:
                return
