from __future__ import annotations

import httpx2
import pytest

from tests.live.conftest import anyio_backend  # noqa: F401
from tests.live.stack import running_stack
from tests.web.balancer import balancing
from tests.web.browser import Chromium
from tests.web.scenes import SETTINGS, World


@pytest.fixture(scope="module")
async def chromium():
    async with Chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
async def world(tmp_path_factory):
    """A worker and two gateways behind a balancer. Whoever kills one replaces it."""
    async with (
        running_stack(tmp_path_factory.mktemp("world"), gateways=2, **SETTINGS) as stack,
        balancing([gateway.port for gateway in stack.gateways]) as balancer,
    ):
        yield World(stack, balancer, {})


@pytest.fixture(scope="module")
async def api(stack):
    """The API of a module's own `stack`."""
    async with httpx2.AsyncClient(base_url=stack.gateways[0].url) as client:
        yield client
