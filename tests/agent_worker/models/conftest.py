import pytest

from tests.openai_server import openai_server


@pytest.fixture
async def upstream_server():
    async with openai_server() as server:
        yield server
