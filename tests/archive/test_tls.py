"""`?ssl=verify-full` in ANABRANCH_DATABASE_URL: traffic is encrypted, and only with the server that the authority knows."""

import pytest
from sqlalchemy import text

from schemas.errors import Unavailable
from services.archive.engine import open_engine, transaction
from services.archive.reader import open_reader
from tests.certificates import write_certificates
from tests.postgres import Cluster


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def certificates(tmp_path_factory):
    return write_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
async def url(certificates):
    server = Cluster(certificates=certificates)
    try:
        await server.start()
        yield server.url("postgres") + "?ssl=verify-full"
    finally:
        server.remove()


async def test_it_is_encrypted_where_the_url_asks_for_it(url, certificates, monkeypatch):
    monkeypatch.setenv("PGSSLROOTCERT", str(certificates / "ca.crt"))
    engine = open_engine(url, writes=False)
    async with transaction(engine) as connection:
        encrypted = await connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    await engine.dispose()
    assert encrypted is True


async def test_a_server_that_another_authority_vouches_for_is_not_trusted(url, tmp_path, monkeypatch):
    monkeypatch.setenv("PGSSLROOTCERT", str(write_certificates(tmp_path) / "ca.crt"))
    archive = open_reader(url)
    with pytest.raises(Unavailable, match="certificate verify failed"):
        await archive.ping()
    await archive.close()


async def test_without_an_authority_it_says_which_file_is_missing(url, tmp_path, monkeypatch):
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    archive = open_reader(url)
    with pytest.raises(Unavailable, match=r"root certificate file .* does not exist"):
        await archive.ping()
    await archive.close()
