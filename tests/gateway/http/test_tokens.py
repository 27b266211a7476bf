"""Which tokens count: the attack table of RFC 8725, and the rules of the settings."""

import asyncio
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from schemas.errors import AnabranchError, Invalid, Unavailable
from services.gateway.bearer import Bearer
from services.gateway.keys import ALGORITHMS, BYTES_MAX, open_keys, parse_keys
from services.gateway.tokens import CHARS_MAX, LEEWAY_S, Rules
from tests.gateway.http import issuer
from tests.gateway.http.issuer import AUDIENCE, DAY_S, ISSUER, claims, forged, jwks, private_key, signed, token

RULES = Rules(ISSUER, AUDIENCE, "tenant")
LATER = int(time.time()) + 2 * DAY_S


def asking(token_: str = "", **headers: str) -> dict:
    headers = {"authorization": f"Bearer {token_}"} | headers if token_ else headers
    return {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


@pytest.fixture
async def identify(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(jwks("EdDSA", "ES256", "RS256"))
    return Bearer(await open_keys(str(path)), RULES)


async def refusal(identify, scope) -> str:
    with pytest.raises(AnabranchError) as error:
        await identify(scope)
    return error.value.code


@pytest.mark.parametrize("kid", ["EdDSA", "ES256", "RS256"])
async def test_a_token_of_the_issuer_names_its_tenant_until_it_expires(identify, kid):
    exp = int(time.time()) + 100
    assert await identify(asking(token("acme", kid=kid, exp=exp))) == ("acme", exp + LEEWAY_S)


async def test_an_audience_among_others_and_clocks_that_differ_a_little_are_good(identify):
    now = int(time.time())
    for changes in ({"aud": ["other", AUDIENCE]}, {"exp": now - 15}, {"iat": now + 20}, {"nbf": now + 20}):
        assert (await identify(asking(token("acme", **changes)))).tenant == "acme"


def _rs_to_hs() -> str:
    """Signed with the public key as if it were a shared secret."""
    pem = (
        private_key("RS256")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    unsigned = forged({"alg": "HS256", "typ": "JWT", "kid": "RS256"}, claims())[:-1]
    signature = hmac.new(pem, unsigned.encode(), hashlib.sha256).digest()
    return forged({"alg": "HS256", "typ": "JWT", "kid": "RS256"}, claims(), signature)


def _own_key_inside() -> str:
    """Brings the key that it is signed with along, under a name that the issuer has."""
    mine = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(mine.public_key(), as_dict=True)
    return jwt.encode(claims(), mine, "ES256", headers={"kid": "ES256", "jwk": jwk, "jku": "https://evil.example/"})


def _changed() -> str:
    """A good token of one tenant, with the claims of another."""
    header, _, signature = token("acme").split(".")
    return f"{header}.{forged({}, claims('globex')).split('.')[1]}.{signature}"


ATTACKS = {
    "no algorithm": forged({"alg": "none", "kid": "EdDSA"}, claims()),
    "no algorithm, in capitals": forged({"alg": "NONE", "kid": "EdDSA"}, claims()),
    "the algorithm left out": forged({"kid": "EdDSA"}, claims()),
    "the signature cut off": token().rpartition(".")[0] + ".",
    "a public key as a shared secret": _rs_to_hs(),
    "another algorithm of the same key": jwt.encode(claims(), private_key("RS256"), "PS256", headers={"kid": "RS256"}),
    "a key of its own": _own_key_inside(),
    "other claims under a good signature": _changed(),
    "a key of another kind": jwt.encode(claims(), private_key("ES256"), "ES256", headers={"kid": "EdDSA"}),
    "an extension that must be understood": token(headers={"crit": ["x"], "x": 1}),
    "an extension without a name": token(headers={"crit": []}),
    "an unencoded payload": forged({"alg": "EdDSA", "kid": "EdDSA", "b64": False, "crit": ["b64"]}, claims()),
    "an unknown key": token(kid="EdDSA-unknown"),
    "no key": jwt.encode(claims(), private_key("EdDSA"), "EdDSA"),
    "a key id that is none": forged({"alg": "EdDSA", "kid": ["EdDSA"]}, claims()),
    "another issuer": token(iss="https://issuer.example.evil.example"),
    "several issuers": token(iss=[ISSUER]),
    "another audience": token(aud="anabranch2"),
    "an empty audience": token(aud=[]),
    "not yet valid": token(nbf=LATER),
    "issued in the future": token(iat=LATER),
    "no subject": token(sub=None),
    "no expiry": token(exp=None),
    "no time of issue": token(iat=None),
    "no audience": token(aud=None),
    "no issuer": token(iss=None),
    "an expiry that is no number": forged({"alg": "EdDSA", "kid": "EdDSA"}, claims(exp="never")),
    "an expiry without end": token(exp=float("inf")),
    "claims that are a list": signed(b"[]"),
    "claims too deep": signed(b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    "no token at all": "nonsense",
    "dots": "..",
    "not in the alphabet": "é.é.é",
    "too long": token(filler="a" * CHARS_MAX),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_does_not_keep_the_rules_does_not_count(identify, attack):
    assert await refusal(identify, asking(ATTACKS[attack].encode().decode("latin-1"))) == "token_invalid"


async def test_an_expired_token_says_so(identify):
    assert await refusal(identify, asking(token(exp=int(time.time()) - LEEWAY_S - 5))) == "token_expired"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer "}, {"cookie": "a=b"}]
)
async def test_without_a_token_nobody_is_let_in(identify, headers):
    assert await refusal(identify, asking(**headers)) == "unauthenticated"


async def test_the_scheme_may_be_written_in_any_case_and_a_token_of_an_auth_message_goes_before(identify):
    assert (await identify(asking(authorization=f"bEARER {token('acme')}"))).tenant == "acme"
    assert (await identify(asking(token("acme")), token("globex"))).tenant == "globex"


@pytest.mark.parametrize("tenant", [None, "", "a.b", "*", ">", "a b", "x" * 65, 7, ["acme"], "default\n"])
async def test_a_tenant_must_be_named_and_be_an_id(identify, tenant):
    assert await refusal(identify, asking(token(tenant))) == "forbidden_tenant"


async def test_who_names_no_tenant_belongs_to_the_one_that_a_setting_names(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(jwks("EdDSA"))
    identify = Bearer(await open_keys(str(path)), Rules(ISSUER, AUDIENCE, "https://a.example/org", "shared"))
    assert (await identify(asking(token(None)))).tenant == "shared"
    assert (await identify(asking(token(None, **{"https://a.example/org": "acme"})))).tenant == "acme"
    assert await refusal(identify, asking(token(None, **{"https://a.example/org": "a.b"}))) == "forbidden_tenant"


FOREIGN = ("https://evil.example", "https://app.example.evil.example", "https://evil-app.example", "null", "")


async def test_pages_of_another_host_are_refused_although_the_token_is_good(identify):
    assert await identify(asking(token(), host="app.example", origin="https://app.example"))
    for origin in (*FOREIGN, "https://app.example:8443"):
        assert await refusal(identify, asking(token(), host="app.example", origin=origin)) == "forbidden_origin"


async def test_where_origins_are_named_they_count_to_the_letter(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(jwks("EdDSA"))
    identify = Bearer(await open_keys(str(path)), RULES, frozenset(("https://app.example",)))
    assert await identify(asking(token(), host="gateway:8000", origin="https://app.example"))
    for origin in (
        *FOREIGN,
        "http://app.example",
        "https://app.example:443",
        "https://APP.example",
        "http://gateway:8000",
    ):
        assert await refusal(identify, asking(token(), host="gateway:8000", origin=origin)) == "forbidden_origin"


# --- the keys


def test_of_a_key_set_only_public_keys_for_signatures_that_are_long_enough_are_taken():
    short = rsa.generate_private_key(65537, 1024).public_key()
    private = jwt.get_algorithm_by_name("ES256").to_jwk(private_key("ES256"), as_dict=True)
    keys = [
        issuer.public_jwk("EdDSA"),
        {"kid": "shared", "kty": "oct", "k": "c2Vj" * 32},
        {"kid": "private", **private},
        {"kid": "short", **jwt.get_algorithm_by_name("RS256").to_jwk(short, as_dict=True)},
        issuer.public_jwk("ES256") | {"kid": "to encrypt", "use": "enc"},
        issuer.public_jwk("RS256") | {"kid": "mixed up", "alg": "HS256"},
        issuer.public_jwk("RS256") | {"kid": None},
        {"kid": "another curve", "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kid": "broken", "kty": "RSA", "n": 7, "e": "AQAB"},
        issuer.public_jwk("RS256") | {"kid": "for no signature", "alg": "none"},
        issuer.public_jwk("RS256") | {"kid": "an algorithm that is none", "alg": ["RS256"]},
        {"kid": "empty"},
    ]
    assert set(parse_keys(json.dumps({"keys": keys}).encode())) == {"EdDSA"}
    assert not any(name.startswith(("HS", "none")) for name in ALGORITHMS)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"keys":[]}', b'{"keys":[1]}', b"\xff", b'{"keys":[{"kid":"a"}]}']
)
def test_a_set_without_a_usable_key_is_refused(data):
    with pytest.raises(Invalid, match="ANABRANCH_JWT_KEYS"):
        parse_keys(data)


@pytest.mark.parametrize(
    "place", ["http://issuer.example/keys", "ftp://issuer.example/keys", "file:///etc/keys", "/nowhere/keys.json"]
)
async def test_keys_come_from_a_file_or_over_tls(place):
    with pytest.raises(Invalid, match="ANABRANCH_JWT_KEYS"):
        await open_keys(place)


class KeyServer:
    """Answers with `body`, or with nothing while `away`; counts the questions."""

    def __init__(self, body: bytes) -> None:
        self.body, self.status, self.asked = body, b"200 OK", 0

    async def answer(self, reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        head = b"HTTP/1.1 %s\r\ncontent-length: %d\r\nlocation: /\r\nconnection: close\r\n\r\n"
        writer.write(head % (self.status, len(self.body)) + self.body)
        writer.close()


@pytest.fixture
async def key_server():
    server = KeyServer(jwks("EdDSA"))
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/keys"
    yield server
    listening.close()


async def test_a_new_key_of_the_issuer_is_read_when_a_token_names_it(key_server):
    identify = Bearer(await open_keys(key_server.url, reread_s_min=0), RULES)
    key_server.body = jwks("EdDSA-2")
    assert (await identify(asking(token(kid="EdDSA-2")))).tenant == "acme"
    assert await refusal(identify, asking(token(kid="EdDSA"))) == "token_invalid"  # withdrawn


async def test_keys_that_cannot_be_read_again_leave_those_that_are_known(key_server):
    identify = Bearer(await open_keys(key_server.url, reread_s_min=0), RULES)
    for key_server.status, key_server.body in [
        (b"503 Away", jwks("EdDSA-2")),
        (b"302 Found", jwks("EdDSA-2")),
        (b"200 OK", b"<html>"),
        (b"200 OK", b" " * (BYTES_MAX + 1)),
    ]:
        assert await refusal(identify, asking(token(kid="EdDSA-2"))) == "token_invalid"
        assert (await identify(asking(token(kid="EdDSA")))).tenant == "acme"
    assert key_server.asked == 5


async def test_tokens_with_made_up_keys_do_not_have_the_issuer_asked_each_time(key_server):
    identify = Bearer(await open_keys(key_server.url), RULES)
    codes = await asyncio.gather(*(refusal(identify, asking(token(kid=f"EdDSA-{n % 3}"))) for n in range(30)))
    assert set(codes) == {"token_invalid"}
    assert key_server.asked == 1


async def test_many_who_bring_a_new_key_at_once_have_it_read_once(key_server):
    identify = Bearer(await open_keys(key_server.url, reread_s_min=0.0), RULES)
    key_server.body = jwks("EdDSA-2")
    await asyncio.gather(*(identify(asking(token(kid="EdDSA-2"))) for _ in range(20)))
    assert key_server.asked == 2


async def test_a_url_that_is_away_at_the_start_says_so():
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:9/keys"):
        await open_keys("http://127.0.0.1:9/keys")
