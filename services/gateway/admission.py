"""Who is let in, as the settings say: whoever has a token, or, without any keys to check one, this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas.errors import Invalid
from schemas.ids import check_id
from services.gateway.endpoint import Identify
from services.gateway.identity import Development, check_interface, parse_origins
from services.gateway.settings import Settings


@asynccontextmanager
async def admission(settings: Settings) -> AsyncIterator[Identify]:
    """Who is asking. The context owns the task that keeps the keys current.

    Raises Invalid: the settings contradict each other, or would serve other machines without asking who they are.
    Raises Unavailable: the URL of the keys does not answer.
    """
    check_admission(settings)
    if not settings.jwt_keys:
        yield Development(open_to_network=settings.allow_insecure)
        return
    from services.gateway.bearer import bearer  # noqa: PLC0415 -- cryptography, 10 MB that only who asks for tokens needs

    async with bearer(settings) as identify:
        yield identify


def check_admission(settings: Settings) -> None:
    """Raises Invalid: see `admission`."""
    named = (settings.jwt_keys, settings.jwt_issuer, settings.jwt_audience)
    if any(named) and not all(named):
        raise Invalid(
            "ANABRANCH_JWT_KEYS, ANABRANCH_JWT_ISSUER and ANABRANCH_JWT_AUDIENCE go together: one of them is empty",
            code="invalid_setting",
        )
    if settings.jwt_keys and settings.allow_insecure:
        raise Invalid(
            "ANABRANCH_ALLOW_INSECURE=1 and ANABRANCH_JWT_KEYS contradict each other: serve everybody, or who has a token",
            code="invalid_setting",
        )
    if settings.jwt_tenant:
        check_id(settings.jwt_tenant, "ANABRANCH_JWT_TENANT")
    if parse_origins(settings.origins) and not settings.jwt_keys:
        raise Invalid(
            "ANABRANCH_ORIGINS counts only with ANABRANCH_JWT_KEYS: without tokens only pages of the gateway's own host may ask",
            code="invalid_setting",
        )
    if not settings.jwt_keys:
        check_interface(settings.host, allow_insecure=settings.allow_insecure)
