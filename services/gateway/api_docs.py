"""The OpenAPI document and the page that shows it: bodies and answers as msgspec describes them, no request elsewhere."""

from __future__ import annotations

import json
from importlib.resources import files
from inspect import cleandoc
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from schemas.errors import ErrorBody
from services.gateway.errors import ERROR_RESPONSE

DOCUMENT = "/openapi.json"
ASSETS = "/docs/assets"
CSP = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
"""Swagger UI starts from an inline script and sets inline styles; nothing on this page comes from a user."""

router = APIRouter()


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=DOCUMENT,
        title="Anabranch API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = CSP
    return page


def assets() -> StaticFiles:
    """Swagger UI from a package: FastAPI's own page fetches it from a CDN."""
    return StaticFiles(directory=str(files("fastapi_offline") / "static"))


def document(app: FastAPI, types: tuple[type, ...]) -> dict[str, Any]:
    """The OpenAPI document, with the schemas of `types` and of all they contain, and the one form of errors."""
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    _, components = msgspec.json.schema_components((*types, ErrorBody), ref_template="#/components/schemas/{name}")
    made["components"] = {"schemas": _for_browsers(components)}
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    made["security"] = [{"token": []}, {}]  # a gateway on one's own machine asks for none
    for operations in made["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)  # FastAPI's own form of a bad parameter, which we never send
            operation["responses"]["default"] = ERROR_RESPONSE
    return made


def _for_browsers(schemas: dict[str, Any]) -> dict[str, Any]:
    """As a page shows them: docstrings without the indentation of their source, and patterns in the dialect of JSON Schema,
    where `$` ends what `\\Z` ends in Python.
    """
    found: dict[str, Any] = json.loads(json.dumps(schemas).replace("\\\\Z", "$"))
    for schema in found.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    return found
