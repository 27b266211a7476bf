"""The page at `/`: what Vite built into `web/dist`, under a policy that lets it run nothing and ask nobody but this origin.

The build names each file under `assets/` after its content, so those are kept for good and `/` alone is asked for again.
It lays a `.br` and a `.gz` beside what is worth compressing: nothing is compressed while it is served.
"""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

WEB = Path(__file__).parent / "web"

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
FRESH = "no-cache"
IMMUTABLE = "public, max-age=31536000, immutable"

NOT_BUILT = "The page is not built: run `make web`, then load this again. The API works without it; see /docs.\n"

_CODINGS = (("br", ".br"), ("gzip", ".gz"))
"""The content codings that a file may have beside it, the smaller one first."""

_NOUGHT = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*\Z")

_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("font/woff2", ".woff2")  # Python learns it from the machine's files, which a small image does not have


def install(app: FastAPI, web: Path = WEB) -> None:
    """Serve the page whose source is in `web`. It may be built while the gateway runs."""

    async def index() -> Response:
        built = web / "dist" / "index.html"
        if built.is_file():
            return FileResponse(built, headers=SECURITY | {"Cache-Control": FRESH})
        return PlainTextResponse(NOT_BUILT, 503, SECURITY | {"Cache-Control": "no-store"})

    app.add_api_route("/", index, methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/assets", Assets(web / "dist" / "assets"))


class Assets(StaticFiles):
    """The files of a folder, named after their content, each as the smallest of its forms that the client takes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._headers = SECURITY | {"Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding"}

    async def check_config(self) -> None:
        """A folder that is not built yet is one without files."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        asked = Headers(scope=scope)
        path, headers = Path(full_path), dict(self._headers)
        for coding, suffix in accepted(asked.get("accept-encoding", "")):
            encoded = path.with_name(path.name + suffix)
            if encoded.is_file():
                headers["Content-Encoding"] = coding
                path, stat_result = encoded, encoded.stat()
                break
        media_type = _TYPES.guess_type(full_path)[0] or "application/octet-stream"
        response = FileResponse(path, status_code, headers, media_type=media_type, stat_result=stat_result)
        return NotModifiedResponse(response.headers) if self.is_not_modified(response.headers, asked) else response


def accepted(accept_encoding: str) -> Iterator[tuple[str, str]]:
    """Those of our content codings that an `Accept-Encoding` takes (RFC 9110 §12.5.3), each with its suffix."""
    takes: dict[str, bool] = {}
    for choice in accept_encoding.lower().split(","):
        coding, _, weight = choice.partition(";")
        takes[coding.strip()] = not _NOUGHT.match(weight)
    return (one for one in _CODINGS if takes.get(one[0], takes.get("*", False)))
