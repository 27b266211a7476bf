"""The one place that calls the `openai` SDK: how long to wait, which parameters may be left out, what an error means."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx2
import openai
import structlog
from openai._streaming import ServerSentEvent, SSEDecoder

from services.agent_worker.models.failures import ERROR_CHARS_MAX, failure, too_long
from services.agent_worker.models.port import (
    ContextTooLong,
    Disconnected,
    ModelError,
    RateLimited,
    Rejected,
    Unauthorized,
    UpstreamFailed,
    UpstreamTimeout,
)

CONNECT_S_MAX = 10.0
SILENCE_S_MAX = 600.0
"""The longest wait for the next byte. Minutes, because a local model may have to load before its first token, and a
reasoning model may think for minutes between two events; a person who has waited too long cancels the run.
"""

RENAMED = {"max_tokens": "max_completion_tokens"}
"""Where one is refused the other is offered: OpenAI's reasoning models want the new name, Ollama knows the old one."""

log = structlog.get_logger()


class _Decoder(SSEDecoder):
    """Leaves out events without data: the SDK makes one of a comment after an `id:` line and fails to parse it as JSON.
    This overrides a private part of the SDK; tests/agent_worker/models/test_openai_chat.py says if it ever moves.
    """

    def decode(self, line: str) -> ServerSentEvent | None:
        event = super().decode(line)
        return event if event is not None and event.data else None


class _Client(openai.AsyncOpenAI):
    def _make_sse_decoder(self) -> SSEDecoder:
        return _Decoder()


class Upstream:
    """A connection pool to one OpenAI-compatible server, and what was learned about the parameters it takes."""

    def __init__(self, *, api_key: str, base_url: str = "", silence_s: float = SILENCE_S_MAX) -> None:
        self.client: openai.AsyncOpenAI = _Client(
            api_key=api_key,
            base_url=base_url or None,
            max_retries=0,  # the run tries again, where viewers see it (`turn.Retry`)
            timeout=httpx2.Timeout(silence_s, connect=CONNECT_S_MAX),
        )
        self._refused: set[str] = set()

    async def events(
        self, create: Callable[..., Awaitable[Any]], required: dict[str, Any], optional: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Call `create` with `stream=True` and yield every event as the JSON it came as.

        An upstream that refuses one of the `optional` parameters is asked again without it, now and from then on.

        Raises:
            ModelError: in place of whatever the SDK raises.
        """
        try:
            async with await self._open(create, required, optional) as stream:
                async for event in stream:
                    if not isinstance(event, openai.BaseModel):
                        raise UpstreamFailed("the upstream sent an event that is no JSON object")
                    yield event.to_dict(warnings=False)
        except openai.OpenAIError as error:
            raise translated(error) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise UpstreamFailed(f"the upstream sent something else than JSON: {error}"[:ERROR_CHARS_MAX]) from error

    async def _open(
        self, create: Callable[..., Awaitable[Any]], required: dict[str, Any], optional: dict[str, Any]
    ) -> Any:
        while True:
            offered = self._offered(optional)
            try:
                return await create(**required, **offered, stream=True)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = next((name for name in offered if name in f"{error.param} {error.message}"), None)
                if refused is None or too_long(error.code or "", error.message):
                    raise
                log.info("the upstream does not take a parameter", parameter=refused, reason=error.message[:200])
                self._refused.add(refused)

    def _offered(self, optional: dict[str, Any]) -> dict[str, Any]:
        names = {name: RENAMED.get(name, "") if name in self._refused else name for name in optional}
        return {now: optional[name] for name, now in names.items() if now and now not in self._refused}

    async def close(self) -> None:
        await self.client.close()


def translated(error: openai.OpenAIError) -> ModelError:
    """Our error for one of the SDK's."""
    match error:
        case openai.APITimeoutError():
            return UpstreamTimeout("the model was silent for too long")
        case openai.APIConnectionError():
            return Disconnected(f"the connection to the model failed: {error.__cause__ or error}"[:ERROR_CHARS_MAX])
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            # Not its own words: they quote the key.
            return Unauthorized(f"the upstream refuses the API key or its rights (HTTP {error.status_code})")
        case openai.APIStatusError():
            return _of_status(error)
        case openai.APIError():
            return failure(error.code or error.type or "", error.message)
    return ModelError(str(error)[:ERROR_CHARS_MAX])


def _of_status(error: openai.APIStatusError) -> ModelError:
    text, code = error.message[:ERROR_CHARS_MAX], error.code or ""
    if too_long(code, error.message):
        return ContextTooLong(text)
    if error.status_code == httpx2.codes.TOO_MANY_REQUESTS and code != "insufficient_quota":
        return RateLimited(text, retry_after_s=_seconds(error.response.headers.get("retry-after", "")))
    if error.status_code == httpx2.codes.REQUEST_TIMEOUT:
        return UpstreamTimeout(text)
    return UpstreamFailed(text) if httpx2.codes.is_server_error(error.status_code) else Rejected(text)


def _seconds(header: str) -> float:
    try:
        return max(0.0, float(header))
    except ValueError:
        return 0.0
