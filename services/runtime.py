"""What every service process has: settings from the environment, JSON logs, one owner of signals, one stop event."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import msgspec
import structlog

from schemas.errors import AnabranchError, Invalid
from services import tracing

S = TypeVar("S", bound=msgspec.Struct)

_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A random id: the prefix and 60 bits in 12 characters."""
    bits = secrets.randbits(60)
    return prefix + "".join(_ID_ALPHABET[bits >> shift & 31] for shift in range(55, -5, -5))


def now_ms() -> int:
    """The wall clock in ms since the Unix epoch: for people to read, never for order."""
    return time.time_ns() // 1_000_000


def read_settings(
    kind: type[S], environment: Mapping[str, str] = os.environ, defaults: Mapping[str, Any] = MappingProxyType({})
) -> S:
    """Fill a settings Struct from the environment: field `port` is read from `ANABRANCH_PORT`, or from the variable that
    the field's `msgspec.Meta(extra={"env": "…"})` names. Empty values count as unset: then it has its value in `defaults`, or
    the Struct's own default.

    Raises:
        Invalid: a value has the wrong type or is out of range; the message names the variable.
    """
    values: dict[str, Any] = dict(defaults)
    for field in msgspec.structs.fields(kind):
        text = environment.get(_variable(field), "")
        if text:
            try:
                values[field.name] = msgspec.convert(text, field.type, strict=False)
            except msgspec.ValidationError as error:
                raise Invalid(f"{_variable(field)}={text!r}: {error}", code="invalid_setting") from error
    return kind(**values)


def _variable(field: msgspec.structs.FieldInfo) -> str:
    for meta in getattr(field.type, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra and "env" in meta.extra:
            return str(meta.extra["env"])
    return f"ANABRANCH_{field.name.upper()}"


class Logging(msgspec.Struct, frozen=True, kw_only=True):
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


def configure_logging(service: str, level: str = "INFO") -> None:
    """One JSON object a line on stderr, also what libraries say, of which only the trouble is wanted."""
    whose = {"service": service, "pid": os.getpid()}  # a library's thread has no context variables
    chain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        lambda _logger, _method, line: {**whose, **line},
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    json = structlog.processors.JSONRenderer(
        serializer=lambda value, **_: msgspec.json.encode(value, enc_hook=str).decode()
    )
    handler = logging.StreamHandler(sys.stderr)
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processors=[without_meta, json]))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[*chain, json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


GC_THRESHOLDS = (50_000, 20, 50)
"""How many more containers were made than freed before the collector looks at the young ones; every 20th time at the older,
every 50th of those at all. With Python's 700, 10, 10 the frames on their way through a busy process count as lasting, and
all of its memory was walked every 4 s: 0.3 s of standstill in a gateway with 1,000 conversations (docs/benchmarks.md).
"""

Main = Callable[[asyncio.Event], Awaitable[None]]


def run_service(service: str, main: Main, *, drain_s: float = 30.0) -> int:
    """Run `main(stop)` until it returns; SIGTERM, SIGINT and SIGHUP (the terminal is gone) set `stop`.

    `main` then has `drain_s` seconds to finish before it is cancelled; a second signal cancels it at once. A failure that
    we raised on purpose is one line on stderr, any other a traceback. Returns the exit code.
    """
    gc.collect()
    gc.freeze()  # what the imports made stays for good
    gc.set_threshold(*GC_THRESHOLDS)
    code = 1
    try:
        configure_logging(service, read_settings(Logging).log_level)
        traced = tracing.exported(service, read_settings(tracing.Settings))
        with traced, asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(_supervise(main, drain_s))
    except* AnabranchError as group:
        for error in _leaves(group):
            print(f"{service}: {error}", file=sys.stderr)
    return code


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """The errors in a tree of groups."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def _supervise(main: Main, drain_s: float) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    task = asyncio.ensure_future(main(stop))

    def on_signal() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()
        loop.call_later(drain_s, task.cancel)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)
    with contextlib.suppress(asyncio.CancelledError):
        await task
        return 0
    structlog.get_logger().warning("cancelled before it had drained", drain_s=drain_s)
    return 1


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
