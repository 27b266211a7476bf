import pytest

from schemas.errors import Forbidden, Invalid
from services.gateway.admission import check_admission
from services.gateway.identity import Development, check_interface, is_loopback, parse_origins
from services.gateway.settings import Settings


def scope(client="127.0.0.1", **headers):
    return {
        "type": "http",
        "client": (client, 50000) if client else None,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
@pytest.mark.parametrize("origin", [{}, {"origin": "http://localhost:5173"}, {"origin": "http://[::1]"}])
async def test_whoever_sits_at_this_machine_is_the_default_tenant(client, host, origin):
    assert (await Development()(scope(client, host=host, **origin))).tenant == "default"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (scope("10.0.0.7", host="localhost"), "forbidden_client"),
        (scope("::ffff:10.0.0.7", host="localhost"), "forbidden_client"),
        (scope(None, host="localhost"), "forbidden_client"),
        (scope(host="rebound.example:8000"), "forbidden_host"),
        (scope(host="localhost.evil.example"), "forbidden_host"),
        (scope(host="localhost@evil.example"), "forbidden_host"),
        (scope(host="[::1"), "forbidden_host"),
        (scope(), "forbidden_host"),
        (scope(host="localhost", origin="https://evil.example"), "forbidden_origin"),
        (scope(host="localhost", origin="null"), "forbidden_origin"),
        (scope(host="localhost", origin="http://localhost.evil.example"), "forbidden_origin"),
        (scope(host="localhost", origin="http://127.0.0.1.evil.example"), "forbidden_origin"),
    ],
)
async def test_all_others_are_kept_out(asked, code):
    with pytest.raises(Forbidden) as refusal:
        await Development()(asked)
    assert refusal.value.code == code


async def test_open_to_the_network_it_still_refuses_foreign_pages():
    identify = Development(open_to_network=True)

    assert (await identify(scope("10.0.0.7", host="box:8000"))).tenant == "default"
    assert (await identify(scope("10.0.0.7", host="box:8000", origin="http://box:8000"))).tenant == "default"
    for origin in ("http://evil.example", "http://box:8000.evil.example", "http://[::1", "null", ""):
        with pytest.raises(Forbidden):
            await identify(scope("10.0.0.7", host="box:8000", origin=origin))


def test_another_interface_is_served_only_if_somebody_says_so():
    check_interface("127.0.0.1", allow_insecure=False)
    check_interface("0.0.0.0", allow_insecure=True)
    with pytest.raises(Invalid, match="ANABRANCH_ALLOW_INSECURE=1"):
        check_interface("0.0.0.0", allow_insecure=False)


ASKING = {"jwt_keys": "keys.json", "jwt_issuer": "https://issuer.example", "jwt_audience": "anabranch"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"jwt_keys": "keys.json"}, "ANABRANCH_JWT_ISSUER"),
        (ASKING | {"jwt_audience": ""}, "ANABRANCH_JWT_AUDIENCE"),
        (ASKING | {"jwt_keys": ""}, "ANABRANCH_JWT_KEYS"),
        (ASKING | {"allow_insecure": True}, "ANABRANCH_ALLOW_INSECURE"),
        (ASKING | {"jwt_tenant": "a.b"}, "ANABRANCH_JWT_TENANT"),
        ({"origins": "https://chat.example"}, "ANABRANCH_JWT_KEYS"),
        ({"host": "0.0.0.0"}, "ANABRANCH_ALLOW_INSECURE"),
    ],
)
def test_settings_that_let_in_others_than_meant_are_refused_by_name(settings, named):
    with pytest.raises(Invalid, match=named):
        check_admission(Settings(**settings))


@pytest.mark.parametrize(
    "origin",
    [
        "https://chat.example/",
        "https://chat.example/chat",
        "https://Chat.example",
        "HTTPS://chat.example",
        "https://chat.example:443",
        "https://chat.example?",
        "https://me@chat.example",
        "https://bücher.example",
        "https://*.example",
        "chat.example",
        "null",
    ],
)
def test_an_origin_that_no_browser_would_write_so_is_refused_by_name(origin):
    with pytest.raises(Invalid, match=r"ANABRANCH_ORIGINS: '(?!https://right\.example)"):
        check_admission(Settings(origins=f"https://right.example,{origin}", **ASKING))


def test_origins_that_browsers_write_are_taken():
    taken = ("https://chat.example", "http://10.0.0.7:8000", "http://[::1]:5173", "https://xn--bcher-kva.example:80")
    check_admission(Settings(origins=", ".join(taken), **ASKING))
    assert parse_origins(", ".join(taken)) == set(taken)


def test_who_asks_for_tokens_may_be_reached_by_everybody():
    check_admission(Settings(host="0.0.0.0", **ASKING))


def test_a_name_that_somebody_else_resolves_is_not_loopback():
    assert is_loopback("localhost")
    assert not any(
        is_loopback(name) for name in ("", "0.0.0.0", "localhost.", "localhost.example", "127.0.0.1.example")
    )


async def test_a_foreign_page_gets_nothing_of_the_api(client, conversation):
    for path in ("/v1/conversations", "/v1/conversations/c1", "/v1/conversations/c1/events"):
        answer = await client.get(path, headers={"Origin": "https://evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_origin")
        answer = await client.get(path, headers={"Host": "rebound.example"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_host")
