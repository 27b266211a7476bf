"""`python -m schemas`: write what is generated from the schemas, beside what uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas import documents, typescript

ROOT = Path(__file__).parent.parent
_PAGE = "services/gateway/web/src/schema"


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    texts = {
        f"{_PAGE}/types.ts": typescript.types(),
        f"{_PAGE}/defaults.ts": typescript.defaults(),
        f"{_PAGE}/constants.ts": typescript.constants(),
        "docs/schema/anabranch.schema.json": _json(documents.json_schema()),
        "docs/schema/asyncapi.json": _json(documents.asyncapi()),
    }
    return {ROOT / name: text for name, text in texts.items()}


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
