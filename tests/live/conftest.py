from __future__ import annotations

import os

import pytest

from tests.live.stack import running_stack
from tests.live.viewer import Api


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def stack(tmp_path_factory):
    """Two gateways and a worker that writes fast: for the tests that kill nothing."""
    async with running_stack(
        tmp_path_factory.mktemp("stack"), gateways=2, ANABRANCH_SCRIPTED_TOKENS_PER_S="400"
    ) as running:
        yield running


@pytest.fixture
async def api(stack):
    async with Api(stack.gateways[0].url) as client:
        yield client


def pytest_configure() -> None:
    os.environ.pop("OPENAI_API_KEY", None)  # the tests choose their model
