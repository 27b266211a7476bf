"""How a service proves to the broker who it is, and the broker to it: settings, and what the client is given.

Nothing of it is ever logged: errors name the server without user and password, and a file by its path.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
import nacl.signing

from schemas.errors import Invalid

_SEED_BYTES = slice(2, 34)
"""Of a decoded seed: two bytes say whose it is, two at the end are a checksum."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Read from the environment beside the URL, which may have `user:password@` or `token@`. All are paths of files: `nats_login`
    has one line `user:password`, `nats_creds` what `nsc` writes (a JWT and the seed of its key), `nats_ca` the authorities the
    server's certificate is checked against, `nats_cert` and `nats_key` are our own.
    """

    nats_login: str = ""
    nats_creds: str = ""
    nats_ca: str = ""
    nats_cert: str = ""
    nats_key: str = ""

    def check(self) -> None:
        """Raises Invalid if a file cannot be read or is not what it should be; the message names the variable."""
        if self.nats_login and self.nats_creds:
            raise Invalid("set ANABRANCH_NATS_LOGIN or ANABRANCH_NATS_CREDS, not both", code="invalid_setting")
        self.options()

    def context(self) -> ssl.SSLContext | None:
        """What TLS is done with; None: as the system does, where the URL or the server wants TLS."""
        if bool(self.nats_cert) != bool(self.nats_key):
            raise Invalid("ANABRANCH_NATS_CERT and ANABRANCH_NATS_KEY go together", code="invalid_setting")
        if not (self.nats_ca or self.nats_cert):
            return None
        try:
            context = ssl.create_default_context(cafile=self.nats_ca or None)
        except OSError as error:  # ssl.SSLError is one
            raise _unreadable("ANABRANCH_NATS_CA", self.nats_ca, error) from error
        if self.nats_cert:
            try:
                context.load_cert_chain(self.nats_cert, self.nats_key)
            except OSError as error:
                raise _unreadable("ANABRANCH_NATS_CERT", self.nats_cert, error) from error
        return context

    def options(self) -> dict[str, Any]:
        """For nats-py's `connect`. The files are read anew each time, since both kinds are renewed while a service runs."""
        options: dict[str, Any] = {}
        if (context := self.context()) is not None:
            options["tls"] = context
        if self.nats_login:
            options |= read_login(self.nats_login)
        if self.nats_creds:
            jwt, sign = read_creds(self.nats_creds)
            options |= {"user_jwt_cb": lambda: bytearray(jwt), "signature_cb": sign}
        return options


NO_CREDENTIALS = Credentials()


class Server(NamedTuple):
    """An address without secrets, and the options of nats-py's `connect` that its user part stands for."""

    address: str
    options: dict[str, Any]


def split_url(url: str) -> Server:
    """Take `user:password@` or `token@` out of the address of one server; percent-encoded characters are decoded."""
    parts = urlsplit(url if "://" in url else f"nats://{url}")
    user, at, place = parts.netloc.rpartition("@")
    if not at:
        return Server(url, {})
    name, colon, password = user.partition(":")
    options = {"user": unquote(name), "password": unquote(password)} if colon else {"token": unquote(name)}
    return Server(urlunsplit(parts._replace(netloc=place)), options)


def read_login(path: str) -> dict[str, str]:
    """User and password as options of nats-py's `connect`. Raises Invalid."""
    try:
        user, colon, password = Path(path).read_text().strip().partition(":")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable("ANABRANCH_NATS_LOGIN", path, error) from error
    if not (user and colon and password):
        raise Invalid(f"ANABRANCH_NATS_LOGIN={path}: it is not one line user:password", code="invalid_setting")
    return {"user": user, "password": password}


def read_creds(path: str) -> tuple[bytes, Callable[[str], bytes]]:
    """The JWT of a credentials file, and what signs a server's nonce with its key. Raises Invalid."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable("ANABRANCH_NATS_CREDS", path, error) from error
    blocks = re.findall(r"-+BEGIN [A-Z ]+-+\s*(\S+)\s*-+END [A-Z ]+-+", text)
    if len(blocks) != 2:
        raise Invalid(f"ANABRANCH_NATS_CREDS={path}: it has no JWT and no seed", code="invalid_setting")
    jwt, seed = blocks
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
        key = nacl.signing.SigningKey(raw[_SEED_BYTES])
    except (binascii.Error, ValueError):
        raise Invalid(f"ANABRANCH_NATS_CREDS={path}: its seed is damaged", code="invalid_setting") from None
    return jwt.encode(), lambda nonce: base64.b64encode(key.sign(nonce.encode()).signature)


def _unreadable(variable: str, path: str, error: Exception) -> Invalid:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Invalid(f"{variable}={path}: {reason}", code="invalid_setting")
