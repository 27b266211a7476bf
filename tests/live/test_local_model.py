"""The default of `make run`: a real model on this machine, through the real openai SDK, all the way to the archive."""

from __future__ import annotations

import contextlib

import httpx2
import pytest

from schemas.transcript import Message
from services.standalone.stack import free_port
from tests.live.stack import Process, running_stack
from tests.live.viewer import Api, Viewer, eventually

BY_DEFAULT = {"MODEL": "", "ANABRANCH_LOCAL_MODEL_URL": "{url}"}
AS_UPSTREAM = {
    "MODEL": "smollm2",
    "OPENAI_BASE_URL": "{url}",
    "OPENAI_API": "responses",
    "ANABRANCH_MODEL_TOOLS": "0",
    "ANABRANCH_CONTEXT_TOKENS": "2048",
}


@pytest.mark.parametrize("settings", [BY_DEFAULT, AS_UPSTREAM], ids=["by_default", "as_upstream_of_responses"])
async def test_a_real_model_answers_from_this_machine(tmp_path, settings):
    port = free_port()
    async with running_stack(tmp_path, workers=0) as stack:
        model = Process("local_model", "local-model", {"ANABRANCH_LOCAL_MODEL_PORT": str(port)}, tmp_path)
        model.start()
        stack.others.append(model)

        async def serves() -> bool:
            with contextlib.suppress(httpx2.TransportError):
                async with httpx2.AsyncClient() as client:
                    return (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200
            return False

        await eventually(serves, "the model serves")
        url = f"http://127.0.0.1:{port}/v1"
        stack.add_worker(**{name: value.format(url=url) for name, value in settings.items()})
        async with Api(stack.gateways[0].url) as api:
            conversation = await api.conversation()
            sent = await api.send(conversation, "Say hello in one short sentence.")
            viewer = Viewer(conversation, mode="replay")
            await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(sent["run"]))
        run = viewer.run(sent["run"])
        assert run is not None
        assert (run.status, run.error) == ("completed", None)
        answer = [item for item in viewer.transcript().items if isinstance(item, Message)][-1]
        assert len(answer.content.split()) > 1
        assert sum(usage.output for usage in run.usage) > 1
