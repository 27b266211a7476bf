"""Begin a conversation, at whichever gateway answers first."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2
import msgspec

from schemas.errors import Forbidden
from services.viewer.connection import NOT_LET_IN, authorization, nobody_there, refusal

REQUEST_S_MAX = 10.0


class _Created(msgspec.Struct):
    id: str


async def begin_conversation(urls: Sequence[str], token: str = "") -> str:
    """The id of a new conversation.

    Raises:
        Forbidden: a gateway does not let us in.
        Unavailable: no gateway answers at any of `urls`, or the last one that did cannot now.
    """
    said = ""
    async with httpx2.AsyncClient(timeout=REQUEST_S_MAX, trust_env=False, headers=authorization(token)) as http:
        for url in urls:
            try:
                response = await http.post(f"{url}/v1/conversations", json={})
            except httpx2.TransportError as error:
                said = str(error) or type(error).__name__
                continue
            if response.is_success:
                return msgspec.json.decode(response.content, type=_Created).id
            if response.status_code in NOT_LET_IN:
                raise Forbidden(refusal(response.content))
            said = f"{response.status_code} {response.text[:200]}"
    raise nobody_there(urls, said)
