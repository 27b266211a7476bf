"""The keys that an issuer signs its tokens with: its JWKS (RFC 7517), from a file or a URL, read again as time goes by.

Whatever a later reading brings, what was known before goes on to count until another set of keys takes its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import msgspec
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from schemas.errors import AnabranchError, Invalid, Unavailable
from services.gateway.identity import is_loopback

ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)  # asymmetric alone: who can check a token must not be able to make one

REREAD_S = 300.0
"""How long a key that the issuer has withdrawn may still count, and a mounted file may differ from what is in use."""

REREAD_S_MIN = 10.0
"""Between two readings, however many tokens name a key that is not there: anybody can send such a token."""

FETCH_S = 5.0
"""An issuer that takes longer to give its keys counts as away."""

BYTES_MAX = 256 * 1024
"""Of a JWKS. Those of large issuers have 10 KB."""

_log = structlog.get_logger()

Read = Callable[[], Awaitable[bytes]]
"""Reads a JWKS. Raises AnabranchError."""


class _Set(msgspec.Struct):
    keys: list[dict[str, object]]


class Keys:
    """Use `open_keys`. `find` is for requests, `watch` is the one task."""

    def __init__(self, read: Read, known: Mapping[str, PyJWK], *, reread_s_min: float = REREAD_S_MIN) -> None:
        self._read = read
        self._known = known
        self._reread_s_min = reread_s_min
        self._read_at = asyncio.get_running_loop().time()
        self._reading = asyncio.Lock()

    async def find(self, kid: str) -> PyJWK | None:
        """The key of this id; for an unknown one the set is read again, if that was not done just now."""
        if kid not in self._known:
            async with self._reading:
                since_s = asyncio.get_running_loop().time() - self._read_at
                if kid not in self._known and since_s >= self._reread_s_min:  # who waited finds what another has read
                    await self._reread()
        return self._known.get(kid)

    async def watch(self) -> None:
        """Read the set again for ever."""
        while True:
            await asyncio.sleep(REREAD_S)
            async with self._reading:
                await self._reread()

    async def _reread(self) -> None:
        self._read_at = asyncio.get_running_loop().time()
        try:
            self._known = parse_keys(await self._read())
        except AnabranchError as error:
            _log.warning("the keys were not read again; those from before go on to count", reason=error.message)


async def open_keys(place: str, *, reread_s_min: float = REREAD_S_MIN) -> Keys:
    """The keys at `place`, a file or a URL.

    Raises Invalid: it is no such place, or has no usable key. Raises Unavailable: the URL does not answer.
    """
    read = _reader(place)
    return Keys(read, parse_keys(await read()), reread_s_min=reread_s_min)


def parse_keys(data: bytes) -> dict[str, PyJWK]:
    """The usable keys of a JWKS by their `kid`: public, asymmetric, for signatures, long enough. Others are passed over.

    Raises Invalid: there is none.
    """
    try:
        members = msgspec.json.decode(data, type=_Set).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("ANABRANCH_JWT_KEYS is not a JWKS: no JSON object with `keys`", code="invalid_setting") from error
    found = {kid: key for member in members if isinstance(kid := member.get("kid"), str) and (key := _usable(member))}
    if not found:
        raise Invalid(
            "ANABRANCH_JWT_KEYS has no public key with a `kid` that signatures can be checked with",
            code="invalid_setting",
        )
    return found


def _usable(member: dict[str, object]) -> PyJWK | None:
    if "d" in member or member.get("use", "sig") != "sig":
        return None
    try:
        key = PyJWK(member)
        short = key.Algorithm.check_key_length(key.key)
    except (PyJWTError, ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm):
        return None
    return key if key.algorithm_name in ALGORITHMS and not short else None


def _reader(place: str) -> Read:
    if "://" not in place:
        return lambda: _read_file(Path(place))
    url = urlsplit(place)
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or "")):
        return lambda: _fetch(place)
    raise Invalid(
        "ANABRANCH_JWT_KEYS is neither a file nor an https URL: who can change the keys on their way signs as anybody",
        code="invalid_setting",
    )


async def _read_file(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise Invalid(f"ANABRANCH_JWT_KEYS: cannot read {path}: {error.strerror}", code="invalid_setting") from error


async def _fetch(url: str) -> bytes:
    """No redirect is followed: the keys are there, or nowhere."""
    data = bytearray()
    try:
        async with asyncio.timeout(FETCH_S), httpx2.AsyncClient() as client, client.stream("GET", url) as answer:
            if answer.status_code != 200:
                raise Unavailable(f"the keys at {url} cannot be read: the answer is {answer.status_code}")
            async for part in answer.aiter_bytes():
                data += part
                if len(data) > BYTES_MAX:
                    raise Unavailable(f"the keys at {url} cannot be read: more than {BYTES_MAX} bytes")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError) as error:
        raise Unavailable(f"the keys at {url} cannot be read: {type(error).__name__}") from error
    return bytes(data)
