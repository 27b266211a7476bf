import pytest

from tests.openai_server import openai_server


@pytest.fixture(scope="module")
async def running_server():
    async with openai_server() as server:
        yield server


@pytest.fixture
async def upstream_server(running_server):
    running_server.forget()
    return running_server
