"""Which model answers, by settings: an upstream that is configured, else the one that runs on this machine."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from schemas.errors import Invalid
from services.agent_worker.models.port import Model
from services.agent_worker.models.scripted import TOKENS_PER_S, Scripted

SCRIPTED = "scripted"
OPENAI_MODEL = "gpt-5.4-mini"
LOCAL_MODEL = "smollm2-135m-instruct"
LOCAL_CONTEXT_TOKENS = 2048

LOCAL_SAMPLING = {"temperature": 0.2, "extra_body": {"repeat_penalty": 1.1, "repeat_last_n": 32}}
"""A model this small wanders off at its default of 0.8 and repeats itself for ever without a penalty; one that reaches back
into the prompt (64 tokens and more) makes it change the figures and names that it should repeat.
"""


def _env(name: str) -> msgspec.Meta:
    return msgspec.Meta(extra={"env": name})


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`model_tools`: the upstream can be trusted with tools. `context_tokens`: what it holds, question and answer."""

    model: Annotated[str, _env("MODEL")] = ""
    openai_api_key: Annotated[str, _env("OPENAI_API_KEY")] = ""
    openai_base_url: Annotated[str, _env("OPENAI_BASE_URL")] = ""
    openai_api: Annotated[Literal["responses", "chat"], _env("OPENAI_API")] = "responses"
    model_tools: bool = True
    context_tokens: Annotated[int, msgspec.Meta(ge=512)] = 128_000
    local_model_url: str = "http://127.0.0.1:8091/v1"
    scripted_tokens_per_s: Annotated[float, msgspec.Meta(ge=0)] = TOKENS_PER_S


def choose(settings: Settings) -> Model:
    """MODEL=scripted, else OpenAI or whatever OPENAI_BASE_URL is, else the local model.

    Raises:
        Invalid: another upstream than OpenAI is set, but not which of its models.
    """
    if settings.model == SCRIPTED:
        return Scripted(settings.scripted_tokens_per_s)
    if settings.openai_base_url and not settings.model:
        raise Invalid("OPENAI_BASE_URL is set: set MODEL to one of its models", code="invalid_setting")
    return _upstream(settings)


def _upstream(settings: Settings) -> Model:
    # imported here, because the SDK costs a process 0.4 s and 21 MB, which a rehearsed worker has no use for
    from services.agent_worker.models.openai_chat import OpenAIChat  # noqa: PLC0415
    from services.agent_worker.models.openai_responses import OpenAIResponses  # noqa: PLC0415
    from services.agent_worker.models.upstream import Upstream  # noqa: PLC0415

    if not (settings.openai_api_key or settings.openai_base_url):
        local = Upstream(api_key="local", base_url=settings.local_model_url)
        name = settings.model or LOCAL_MODEL
        return OpenAIChat(local, name, context_tokens=LOCAL_CONTEXT_TOKENS, chooses_tools=False, extra=LOCAL_SAMPLING)
    kind = OpenAIChat if settings.openai_api == "chat" else OpenAIResponses
    return kind(
        Upstream(api_key=settings.openai_api_key or "none", base_url=settings.openai_base_url),
        settings.model or OPENAI_MODEL,
        context_tokens=settings.context_tokens,
        chooses_tools=settings.model_tools,
    )
