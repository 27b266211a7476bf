"""Who is asking, where tokens say so: the token of a request or a handshake, and the origin of the page that sent it.

A token comes in `Authorization: Bearer …`; from a browser that opens a WebSocket by itself, and cannot set that header, as
the subprotocol `bearer.<token>`; or in an `auth` message. Never in a URL: those are logged, and kept in histories.

The origin is checked although there is no cookie here: a proxy before the gateway may turn the cookie that a browser sends along,
whatever page asks, into a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import Headers

from schemas.errors import Forbidden, Unauthenticated
from services.gateway.identity import Identity, Scope, is_same_host, parse_origins
from services.gateway.keys import Keys, open_keys
from services.gateway.settings import Settings
from services.gateway.tokens import Rules, key_id, verify

SUBPROTOCOL = "bearer."


class Bearer:
    """Callable as `Identify`. `origins` are those whose pages may ask; none: those of the host that is asked."""

    def __init__(self, keys: Keys, rules: Rules, origins: frozenset[str] = frozenset()) -> None:
        self._keys = keys
        self._rules = rules
        self._origins = origins

    async def __call__(self, scope: Scope, token: str = "", /) -> Identity:
        """Raises Forbidden, Unauthenticated. `token` goes before what the request brought."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and not self._may_ask(origin, headers.get("host", "")):
            raise Forbidden(f"pages of {origin[:80]!r} may not use this gateway", code="forbidden_origin")
        token = token or token_of(scope)
        if not token:
            raise Unauthenticated("no token came: sign in, and send `Authorization: Bearer …`")
        key = await self._keys.find(key_id(token))
        if key is None:
            raise Unauthenticated("the token does not count: its key is not the issuer's", code="token_invalid")
        return verify(token, key, self._rules)

    def _may_ask(self, origin: str, host: str) -> bool:
        return origin in self._origins if self._origins else is_same_host(origin, host)


@asynccontextmanager
async def bearer(settings: Settings) -> AsyncIterator[Bearer]:
    """As the settings say; the context owns the task that keeps the keys current. Raises as `open_keys`."""
    rules = Rules(settings.jwt_issuer, settings.jwt_audience, settings.jwt_tenant_claim, settings.jwt_tenant)
    keys = await open_keys(settings.jwt_keys)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(keys.watch())
        yield Bearer(keys, rules, parse_origins(settings.origins))
        watching.cancel()


def token_of(scope: Scope) -> str:
    """The token that a request or handshake brought, "" for none."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = (one for one in scope.get("subprotocols", ()) if one.startswith(SUBPROTOCOL))
    return next(offered, "").removeprefix(SUBPROTOCOL)
