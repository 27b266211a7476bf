"""What a token must be to count: the rules, and whom it then names. No IO; the wall clock alone is looked at.

A token is a JWT (RFC 7519) with the signature of a key that the issuer publishes. RFC 8725 says what else to check.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jwt
from jwt.exceptions import ExpiredSignatureError, ImmatureSignatureError, InvalidTokenError, PyJWTError

from schemas.errors import Forbidden, Invalid, Unauthenticated
from schemas.ids import check_id
from services.gateway.identity import Identity

LEEWAY_S = 30
"""How far the clocks of issuer and gateway may differ."""

CHARS_MAX = 8192
"""Of a token, as in an `auth` message (`schemas/wire.py`)."""

REQUIRED = ["exp", "iat", "aud", "iss", "sub"]


class Rules(NamedTuple):
    """`tenant_claim` is the claim that names the tenant; `tenant` whose a token without that claim is, "" for nobody's."""

    issuer: str
    audience: str
    tenant_claim: str
    tenant: str = ""


def key_id(token: str) -> str:
    """The `kid` in the header of a token, which nobody has checked yet. Raises Unauthenticated."""
    if len(token) > CHARS_MAX:
        raise _invalid(f"it is longer than {CHARS_MAX} characters")
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (PyJWTError, ValueError, RecursionError) as error:
        raise _invalid("it is no JWT that we understand") from error
    if not isinstance(kid, str):
        raise _invalid("its header has no `kid`")
    return kid


def verify(token: str, key: jwt.PyJWK, rules: Rules) -> Identity:
    """Whom a token names, and until when. The algorithm is that of the key, whatever the token says.

    Raises Unauthenticated: it does not count (any more). Raises Forbidden: it does, but names no tenant.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=rules.issuer,
            audience=rules.audience,
            leeway=LEEWAY_S,
            options={"require": REQUIRED},
        )
    except ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired: come back with a new one", code="token_expired") from error
    except ImmatureSignatureError as error:
        raise _invalid("it is not valid yet: the clocks of issuer and gateway differ, or it is for later") from error
    except jwt.MissingRequiredClaimError as error:
        raise _invalid(f"it needs {', '.join(REQUIRED)}") from error
    except (jwt.InvalidIssuerError, jwt.InvalidAudienceError) as error:
        raise _invalid("it is of another issuer, or for another audience") from error
    except (InvalidTokenError, ValueError, TypeError, RecursionError) as error:
        raise _invalid("its signature or form is wrong") from error
    return Identity(_tenant(claims, rules), expires=int(claims["exp"]) + LEEWAY_S)


def _tenant(claims: dict[str, Any], rules: Rules) -> str:
    named = claims.get(rules.tenant_claim, rules.tenant or None)
    if not isinstance(named, str):
        raise Forbidden(f"the token has no claim {rules.tenant_claim!r} that names a tenant", code="forbidden_tenant")
    try:
        return check_id(named, "tenant")
    except Invalid as error:
        raise Forbidden(
            f"the claim {rules.tenant_claim!r} is no tenant: 1 to 64 of A-Z a-z 0-9 _ -", code="forbidden_tenant"
        ) from error


def _invalid(why: str) -> Unauthenticated:
    return Unauthenticated(f"the token does not count: {why}", code="token_invalid")
