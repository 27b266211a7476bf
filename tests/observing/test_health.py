"""What an orchestrator and Prometheus ask of a worker or persister."""

import asyncio
import contextlib
import socket

import httpx2
import pytest

from schemas.errors import Unavailable
from services import health
from services.broker.memory import MemoryBroker
from services.health import Settings
from services.metrics import Metrics
from services.standalone.stack import free_port
from tests.broker.waiting import eventually


@contextlib.asynccontextmanager
async def serving(broker, stop):
    port = free_port()
    async with (
        health.served(Settings(metrics_port=port), Metrics(), broker, stop),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):

        async def answers():
            with contextlib.suppress(httpx2.TransportError):
                return await client.get("/healthz")

        await eventually(answers)
        yield client


async def test_a_process_is_ready_while_its_broker_answers_and_it_does_not_drain():
    broker, stop = MemoryBroker(), asyncio.Event()
    async with serving(broker, stop) as client:
        ready = await client.get("/readyz")
        broker.interrupt()
        cut = await client.get("/readyz")
        broker.restore()
        stop.set()
        draining = await client.get("/readyz")
        alive = await client.get("/healthz")

    assert (ready.status_code, ready.json()) == (200, {"ready": True, "broker": True, "draining": False})
    assert (cut.status_code, cut.json()) == (503, {"ready": False, "broker": False, "draining": False})
    assert (draining.status_code, draining.json()) == (503, {"ready": False, "broker": True, "draining": True})
    assert alive.status_code == 200


async def test_metrics_are_in_prometheus_format_and_say_how_late_the_loop_is():
    async with serving(MemoryBroker(), asyncio.Event()) as client:

        async def measured():
            answer = await client.get("/metrics")
            return None if "anabranch_loop_lag_seconds_count 0" in answer.text else answer

        answer = await eventually(measured)

    text = answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "anabranch_broker_connected 1.0" in text and "process_resident_memory_bytes" in text


async def test_a_loop_that_is_held_up_does_not_answer_that_it_is_alive():
    async with serving(MemoryBroker(), asyncio.Event()) as client:
        port = client.base_url.port
        with socket.create_connection(("127.0.0.1", port)) as probe:
            probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            probe.settimeout(0.3)  # the loop is held up by this very call
            with pytest.raises(TimeoutError):
                probe.recv(1)


async def test_no_port_is_opened_unless_one_is_set():
    async with health.served(Settings(), metrics := Metrics(), MemoryBroker(), asyncio.Event()):
        assert b"anabranch_draining 0.0" in metrics.exposition()


async def test_a_port_that_is_taken_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"^ANABRANCH_METRICS_PORT={port} on 127.0.0.1 cannot be listened on: "):
            async with health.served(Settings(metrics_port=port), Metrics(), MemoryBroker(), asyncio.Event()):
                pass
