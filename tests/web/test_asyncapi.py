"""The AsyncAPI document against the meta-schema of AsyncAPI 3.0, which its makers publish as an npm package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator

from schemas import documents
from services.gateway.web import build


@pytest.fixture(scope="module")
def meta_schema() -> dict[str, Any]:
    build.install(build.of_the_machine() or build.of_a_wheel())
    specs = build.WEB / "node_modules" / "@asyncapi" / "specs"
    return json.loads((specs / "schemas" / "3.0.0-without-$id.json").read_text(encoding="utf-8"))


def test_the_asyncapi_document_is_one(meta_schema: dict[str, Any]) -> None:
    errors = Draft7Validator(meta_schema).iter_errors(documents.asyncapi())
    assert [(list(error.absolute_path), error.message) for error in errors] == []


def test_a_document_with_a_field_that_asyncapi_has_not_would_be_refused(meta_schema: dict[str, Any]) -> None:
    document = documents.asyncapi()
    document["channels"]["log"]["adress"] = document["channels"]["log"].pop("address")
    assert not Draft7Validator(meta_schema).is_valid(document)
