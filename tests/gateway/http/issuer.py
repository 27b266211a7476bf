"""An issuer of tokens: a key pair for each algorithm that is asked for, its JWKS, and tokens right and wrong."""

from __future__ import annotations

import base64
import json
import time
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER = "https://issuer.example"
AUDIENCE = "anabranch"
DAY_S = 86_400
"""What a token lasts: it may be made when tests are collected, and used minutes later."""

_MAKE = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}


@cache
def private_key(kid: str):
    """The one of this id, which begins with its algorithm: `RS256`, `EdDSA-2`."""
    return _MAKE[kid.partition("-")[0]]()


def public_jwk(kid: str) -> dict:
    algorithm = kid.partition("-")[0]
    jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(private_key(kid).public_key(), as_dict=True)
    return jwk | {"kid": kid, "alg": algorithm, "use": "sig"}


def jwks(*kids: str) -> bytes:
    return json.dumps({"keys": [public_jwk(kid) for kid in kids]}).encode()


def claims(tenant: str | None = "acme", **changes) -> dict:
    """Those of a good token, with `changes`; None takes a claim away."""
    now = int(time.time())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + DAY_S, "tenant": tenant} | changes
    return {name: value for name, value in whole.items() if value is not None}


def token(tenant: str | None = "acme", *, kid: str = "EdDSA", headers: dict | None = None, **changes) -> str:
    return signed(json.dumps(claims(tenant, **changes)).encode(), kid, headers or {})


def signed(body: bytes, kid: str = "EdDSA", headers: dict | None = None) -> str:
    """A token with any body at all under a good signature."""
    return jwt.api_jws.encode(body, private_key(kid), kid.partition("-")[0], headers={"kid": kid} | (headers or {}))


def forged(header: dict, body: dict, signature: bytes = b"") -> str:
    """A token with any header and signature, as an attacker writes it."""
    parts = (json.dumps(header).encode(), json.dumps(body).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def bearer(*arguments, **changes) -> dict[str, str]:
    """The header of a request with such a token."""
    return {"Authorization": f"Bearer {token(*arguments, **changes)}"}
