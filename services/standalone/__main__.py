"""`make run`: start everything, say where it is, stop everything."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import Invalid, Unavailable
from services.runtime import read_settings, run_service
from services.standalone.settings import Settings
from services.standalone.stack import Stack


def say(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def data_folder(path: Path) -> Iterator[None]:
    """Make the data folder and hold it: two stacks on one folder would damage it.

    Raises:
        Invalid: it cannot be made or written, or another stack holds it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / "lock").open("w")
    except FileExistsError:
        raise Invalid(f"ANABRANCH_DATA={path} is a file, not a folder") from None
    except OSError as error:
        raise Invalid(f"ANABRANCH_DATA={path} cannot be used as a data folder: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Invalid(f"another Anabranch runs on {path}: stop it, or set ANABRANCH_DATA") from None
        yield


def check_model(settings: Settings) -> None:
    """Raises Invalid for a model that nobody would serve."""
    if settings.model and settings.wants_local_model:
        raise Invalid(
            f"MODEL={settings.model} needs OPENAI_API_KEY or OPENAI_BASE_URL; without MODEL a local model answers"
        )
    if settings.openai_base_url and not settings.model:
        raise Invalid("OPENAI_BASE_URL is set: set MODEL to one of its models")


def check_ports(settings: Settings) -> None:
    """Raises Invalid naming the first port that is taken, before anything has been started."""
    for port in range(settings.port, settings.port + settings.gateways):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OverflowError:
                raise Invalid(f"port {port} does not exist: lower ANABRANCH_PORT or ANABRANCH_GATEWAYS") from None
            except OSError as error:
                raise Invalid(f"port {port} is taken ({error.strerror}): set ANABRANCH_PORT to a free one") from error


def banner(stack: Stack, settings: Settings) -> str:
    url = stack.gateway_urls[0]
    model = "SmolLM2-135M, on this machine" if settings.wants_local_model else settings.model or "from OPENAI_API_KEY"
    chat = "make chat" if settings.port == Settings().port else f"ANABRANCH_PORT={settings.port} make chat"
    return f"""
Anabranch is running. Model: {model}.

  page    {url}/
  stream  curl -N {url}/v1/conversations/{stack.hello}/messages -H 'Accept: text/event-stream' \\
            -H 'Content-Type: application/json' -d '{{"text": "Why do rivers meander?", "agent": "team"}}'
  chat    {chat}
  API     {url}/docs
  log     {stack.nats_url}  (NATS JetStream; files and service logs in {settings.data})
  stop    Ctrl-C
"""


async def main(stop: asyncio.Event) -> None:
    settings = read_settings(Settings)
    check_model(settings)
    check_ports(settings)
    with data_folder(Path(settings.data)):
        stack = Stack(settings)
        try:
            say("Starting …")
            await unless_stopped(stop, stack.start())
            if not stop.is_set():
                say(banner(stack, settings))
                await unless_stopped(stop, stack.watch(say))
        except OSError as error:
            raise Invalid(
                f"ANABRANCH_DATA={settings.data} cannot be used: {error.filename}: {error.strerror}"
            ) from error
        finally:
            if stop.is_set():
                say("Stopping: runs in progress finish first. Press Ctrl-C again to stop at once.")
            try:
                await stack.stop()
            except asyncio.CancelledError:
                raise Unavailable(
                    "stopped at once, before every run had ended: the next start goes on with them"
                ) from None
            if stop.is_set():
                say("Stopped.")


async def unless_stopped(stop: asyncio.Event, work: object) -> None:
    """Do `work` until it is done or `stop` is set. Raises what the work raises."""
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        stopped.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Unavailable, ExceptionGroup):
            await task


if __name__ == "__main__":
    sys.exit(run_service("anabranch", main, drain_s=120.0))
