"""An operator with one account and one user, as `nsc` makes them: a server's configuration, and a client's credentials file."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

import nacl.signing

SEED, OPERATOR, ACCOUNT, USER = 18 << 3, 14 << 3, 0, 20 << 3
"""First bytes of nkeys, by what they are of."""

LIMITS = {"subs": -1, "data": -1, "payload": -1}
ACCOUNT_LIMITS = {**LIMITS, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}


class Key:
    def __init__(self, kind: int) -> None:
        self._key = nacl.signing.SigningKey.generate()
        self._kind = kind
        self.public = _encoded(bytes([kind]) + bytes(self._key.verify_key))

    @property
    def seed(self) -> str:
        return _encoded(bytes([SEED | self._kind >> 5, (self._kind & 31) << 3]) + bytes(self._key))

    def jwt(self, of: Key, name: str, **claims: object) -> str:
        """A token about the key `of`, signed with this one."""
        body = {"jti": name, "iat": 1, "iss": self.public, "name": name, "sub": of.public}
        parts = [{"typ": "JWT", "alg": "ed25519-nkey"}, {**body, "nats": {"version": 2, **claims}}]
        signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{_base64(self._key.sign(signed.encode()).signature)}"


class Operator(NamedTuple):
    """`configuration` of the server, `creds`: content of the user's credentials file."""

    configuration: str
    creds: str


def make_operator() -> Operator:
    operator, system, account, user = Key(OPERATOR), Key(ACCOUNT), Key(ACCOUNT), Key(USER)
    accounts = [
        f"  {key.public}: {operator.jwt(key, name, type='account', limits=ACCOUNT_LIMITS)}"
        for key, name in ((system, "SYS"), (account, "ANABRANCH"))
    ]
    configuration = "\n".join(
        [
            f"operator: {operator.jwt(operator, 'operator', type='operator')}",
            f"system_account: {system.public}",
            "resolver: MEMORY",
            "resolver_preload: {",
            *accounts,
            "}",
        ]
    )
    token = account.jwt(user, "gateway", type="user", pub={}, sub={}, **LIMITS)
    creds = (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )
    return Operator(configuration, creds)


def _encoded(raw: bytes) -> str:
    return base64.b32encode(raw + _crc16(raw).to_bytes(2, "little")).decode().rstrip("=")


def _crc16(raw: bytes) -> int:
    """CRC-16/XMODEM, as nkeys have it."""
    crc = 0
    for byte in raw:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
