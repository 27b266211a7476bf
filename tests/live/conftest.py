from __future__ import annotations

import os

import pytest

from tests.live.stack import running_stack
from tests.live.viewer import Api
from tests.nats_users import violations


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def stack(tmp_path_factory):
    """Two gateways and a worker that writes fast, on two partitions with mirrors: for the tests that kill nothing. Each service
    is at the broker what deploy/nats permits it to be, and asks for nothing else.
    """
    async with running_stack(
        tmp_path_factory.mktemp("stack"),
        gateways=2,
        users=True,
        ANABRANCH_SCRIPTED_TOKENS_PER_S="400",
        ANABRANCH_PARTITIONS="2",
        ANABRANCH_REPLAY_MIRROR="1",
    ) as running:
        yield running
        assert violations(running.nats) == []


@pytest.fixture
async def api(stack):
    async with Api(stack.gateways[0].url) as client:
        yield client


def pytest_configure() -> None:
    os.environ.pop("OPENAI_API_KEY", None)  # the tests choose their model
