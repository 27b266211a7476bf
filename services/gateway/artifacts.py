"""How the content of an artifact leaves this origin: models write it, so nothing in it may run here. Pure.

Known passive media types go out as what they are; all others as bytes to be saved. A browser is told not to guess the type,
to run nothing, and to let no other origin embed it. HTML and SVG can be *viewed*, under a policy that takes everything from
them but markup, styles and what they carry inside: they run no script and fetch nothing, in a frame or in a tab of their own.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from schemas.errors import NotFound

_PASSIVE = frozenset(
    {
        "text/plain",
        "text/markdown",
        "text/csv",
        "text/tab-separated-values",
        "application/json",
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
    }
)
"""What a browser shows without running anything of it. Not among them: HTML, SVG, XML, PDF, JavaScript."""

_PASSIVE_JSON = re.compile(r"^application/[a-z0-9.-]+(\+[a-z0-9.-]+)*\+json\Z")

_VIEWED = frozenset({"text/html", "image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp"})

_VIEW_CSP = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""`sandbox` without exceptions gives an origin of its own and forbids scripts, forms, pop-ups and refreshes."""

BYTES = "application/octet-stream"

NAME_CHARS_MAX = 150


def content_headers(name: str, media_type: str, *, digest: str) -> dict[str, str]:
    """`digest` is empty for a version that is still being written: it will be another one in a moment."""
    passive = passive_type(media_type)
    return {
        "Content-Type": passive or BYTES,
        "Content-Disposition": disposition("inline" if passive else "attachment", name),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'self'",
    } | _guarded(digest)


def view_headers(name: str, media_type: str, *, digest: str) -> dict[str, str]:
    """As `content_headers`, of what a browser is to show.

    Raises:
        NotFound: it is not of a media type that is shown (code `not_viewable`).
    """
    essence = _essence(media_type)
    if essence not in _VIEWED:
        raise NotFound(f"artifacts of type {essence[:100]!r} have no view; read the content", code="not_viewable")
    text = essence in {"text/html", "image/svg+xml"}
    return {
        "Content-Type": f"{essence}; charset=utf-8" if text else essence,
        "Content-Disposition": disposition("inline", name),
        "Content-Security-Policy": _VIEW_CSP,
        "X-DNS-Prefetch-Control": "off",
        "Referrer-Policy": "no-referrer",
    } | _guarded(digest)


def _guarded(digest: str) -> dict[str, str]:
    kept = {"ETag": f'"{digest}"', "Cache-Control": "private, max-age=31536000, immutable"} if digest else {}
    return {
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    } | kept


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def passive_type(media_type: str) -> str:
    """The media type to serve, without the model's own parameters; empty if it is not one that is known to be passive."""
    essence = _essence(media_type)
    if essence not in _PASSIVE and not _PASSIVE_JSON.match(essence):
        return ""
    return f"{essence}; charset=utf-8" if essence.startswith("text/") else essence


def disposition(kind: str, name: str) -> str:
    """A `Content-Disposition` with the name for old and for current clients (RFC 6266, RFC 5987)."""
    safe = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", name).strip(" .")[:NAME_CHARS_MAX] or "artifact"
    ascii_name = re.sub(r"[^ -~]|%", "_", safe)
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(safe, safe='')}"


def matches(if_none_match: str, digest: str) -> bool:
    """Whether `If-None-Match` names this version (weak comparison, RFC 9110 §13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return bool(digest) and ("*" in tags or f'"{digest}"' in tags)
