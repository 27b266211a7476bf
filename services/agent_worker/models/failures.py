"""What an upstream reports as an error, by code and words: ours for it. Pure."""

from __future__ import annotations

from services.agent_worker.models.port import ContextTooLong, ModelError, RateLimited, Rejected, UpstreamFailed

ERROR_CHARS_MAX = 500
"""Of an upstream's own words in our error: they reach viewers and the log."""


def failure(code: str, message: str) -> ModelError:
    """Our error for one that an upstream reports inside a stream, where there is no HTTP status."""
    text = message[:ERROR_CHARS_MAX]
    if too_long(code, message):
        return ContextTooLong(text)
    if "rate_limit" in code:
        return RateLimited(text)
    return Rejected(text) if code.startswith("invalid") else UpstreamFailed(text)


def too_long(code: str, message: str) -> bool:
    """OpenAI and vLLM say it by code or in words, llama.cpp in words."""
    words = message.lower()
    return code == "context_length_exceeded" or "context length" in words or "context size" in words
