"""How a service proves who it is, at real servers that want a password, a signed token, or certificates."""

from __future__ import annotations

import pytest

from schemas.errors import Invalid, Unavailable
from services.broker.connection import Connection
from services.broker.credentials import Credentials, split_url
from tests.certificates import write_certificates
from tests.nats_jwt import make_operator
from tests.nats_server import NatsServer


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def answers(url: str, credentials: Credentials) -> bool:
    """Whether a message makes it to the server and back."""
    connection = await Connection.open(url, "gateway", 0.0, credentials)
    try:
        await connection.echo()
        return connection.connected
    finally:
        await connection.close()


async def test_a_credentials_file_signs_what_the_server_asks(tmp_path):
    operator = make_operator()
    (tmp_path / "gateway.creds").write_text(operator.creds)
    async with NatsServer(tmp_path, accounts=operator.configuration) as server:
        assert await answers(server.url, Credentials(nats_creds=str(tmp_path / "gateway.creds")))
        (tmp_path / "other.creds").write_text(make_operator().creds)
        for credentials in (Credentials(), Credentials(nats_creds=str(tmp_path / "other.creds"))):
            with pytest.raises(Unavailable):
                await answers(server.url, credentials)
        assert server.log.count("authentication error") == 2


async def test_user_and_password_may_come_from_a_file_and_are_in_no_message(tmp_path):
    login = tmp_path / "login"
    async with NatsServer(tmp_path, accounts='authorization { user: "u", password: "p:@/" }') as server:
        login.write_text("u:p:@/\n")
        assert await answers(server.url, Credentials(nats_login=str(login)))
        login.write_text("u:secret")
        with pytest.raises(Unavailable) as refusal:
            await answers(server.url, Credentials(nats_login=str(login)))
    assert "secret" not in str(refusal.value)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return write_certificates(tmp_path_factory.mktemp("tls"))


def tls(folder, *, verify: bool) -> str:
    files = f'cert_file: "{folder}/tls.crt", key_file: "{folder}/tls.key", ca_file: "{folder}/ca.crt"'
    return f"tls {{ {files}, verify: {str(verify).lower()} }}"


async def test_a_server_is_believed_if_the_named_authority_signed_its_certificate(tmp_path, certificates):
    async with NatsServer(tmp_path, accounts=tls(certificates, verify=False)) as server:
        assert await answers(server.url, Credentials(nats_ca=f"{certificates}/ca.crt"))
        stranger = write_certificates(tmp_path / "stranger")
        for credentials in (Credentials(), Credentials(nats_ca=f"{stranger}/ca.crt")):
            with pytest.raises(Unavailable, match="certificate verify failed"):
                await answers(server.url, credentials)


async def test_a_server_that_wants_a_certificate_gets_it(tmp_path, certificates):
    own = {"nats_cert": f"{certificates}/tls.crt", "nats_key": f"{certificates}/tls.key"}
    async with NatsServer(tmp_path, accounts=tls(certificates, verify=True)) as server:
        assert await answers(server.url, Credentials(nats_ca=f"{certificates}/ca.crt", **own))
        with pytest.raises(Unavailable):
            await answers(server.url, Credentials(nats_ca=f"{certificates}/ca.crt"))


@pytest.mark.parametrize(
    ("url", "address", "options"),
    [
        ("nats://h:4222", "nats://h:4222", {}),
        ("h:4222", "h:4222", {}),
        ("nats://u:p@h:4222", "nats://h:4222", {"user": "u", "password": "p"}),
        ("tls://u:p%40%2F%3A@h", "tls://h", {"user": "u", "password": "p@/:"}),
        ("nats://u:p@q@h", "nats://h", {"user": "u", "password": "p@q"}),
        ("u:p@h:4222", "nats://h:4222", {"user": "u", "password": "p"}),
        ("nats://t%2Fk@h", "nats://h", {"token": "t/k"}),
    ],
)
def test_the_user_part_of_a_url_is_taken_out_and_decoded(url, address, options):
    assert split_url(url) == (address, options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nats_login": "nowhere"}, "ANABRANCH_NATS_LOGIN=nowhere: No such file"),
        ({"nats_login": "/dev/null"}, "ANABRANCH_NATS_LOGIN=/dev/null: it is not one line user:password"),
        ({"nats_login": "x", "nats_creds": "x"}, "ANABRANCH_NATS_LOGIN or ANABRANCH_NATS_CREDS, not both"),
        ({"nats_creds": "nowhere"}, "ANABRANCH_NATS_CREDS=nowhere: No such file"),
        ({"nats_creds": __file__}, "it has no JWT and no seed"),
        ({"nats_ca": "nowhere"}, "ANABRANCH_NATS_CA=nowhere: No such file"),
        ({"nats_ca": __file__}, "ANABRANCH_NATS_CA="),
        ({"nats_cert": "x"}, "ANABRANCH_NATS_CERT and ANABRANCH_NATS_KEY go together"),
        ({"nats_cert": "nowhere", "nats_key": "nowhere"}, "ANABRANCH_NATS_CERT=nowhere: No such file"),
    ],
)
async def test_a_wrong_file_stops_the_start_and_is_named(fields, message):
    with pytest.raises(Invalid) as wrong:
        await answers("nats://127.0.0.1:1", Credentials(**fields))
    assert message in str(wrong.value)


def test_a_damaged_seed_is_named_and_not_shown(tmp_path):
    creds = make_operator().creds
    seed = creds.splitlines()[5]
    (tmp_path / "x.creds").write_text(creds.replace(seed, seed[:20]))
    with pytest.raises(Invalid, match="its seed is damaged") as wrong:
        Credentials(nats_creds=str(tmp_path / "x.creds")).check()
    assert seed[:20] not in str(wrong.value)
