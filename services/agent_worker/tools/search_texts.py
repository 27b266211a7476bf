"""Full-text search over the texts that come along (`texts/`): offline, small, and ranked as one expects."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from schemas.errors import NotFound
from services.agent_worker.tools.tool import Progress, tool

FOLDER = Path(__file__).parent / "texts"
RESULTS_MAX = 10
PASSAGE_CHARS = 400
SATURATION = 1.5
"""How soon a term's further occurrences stop counting: the k of BM25."""

STEM_CHARS = 7
"""Words that begin alike count as one, whatever their plural: good enough for a dozen texts."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    {"the", "and", "are", "for", "from", "has", "how", "its", "not", "that", "what", "which", "with", "why"}
)


class Text(msgspec.Struct, frozen=True):
    id: str
    title: str
    body: str

    @property
    def terms(self) -> Counter[str]:
        return Counter(terms_of(f"{self.title} {self.title} {self.body}"))


class Found(msgspec.Struct, frozen=True):
    """`passage` is the paragraph that answers best; `score` is comparable within one search only."""

    id: str
    title: str
    score: float
    passage: str


Query = Annotated[str, msgspec.Meta(description="What to look for, in words.", examples=["Why do rivers split?"])]


@tool
async def search_texts(
    query: Query,
    limit: Annotated[int, msgspec.Meta(ge=1, le=RESULTS_MAX)] = 3,
    *,
    progress: Progress,
) -> list[Found]:
    """Search a small collection of texts about rivers and about event streams. Returns the best passages."""
    texts = collection()
    score = scorer(query)
    found: list[Found] = []
    for number, text in enumerate(texts, start=1):
        if score(text):
            found.append(Found(text.id, text.title, round(score(text), 3), _passage(text, set(terms_of(query)))))
        await progress("reading", 100 * number // len(texts), text.title)
    return sorted(found, key=lambda one: -one.score)[:limit]


def scorer(query: str) -> Callable[[Text], float]:
    """How well a text of the collection answers: 0 if no word of the query is in it, rare words count for more."""
    wanted = set(terms_of(query))
    spread = Counter(term for text in collection() for term in wanted & text.terms.keys())
    total = len(collection())

    def score(text: Text) -> float:
        terms = text.terms
        return sum(
            math.log(1 + total / spread[term]) * terms[term] / (terms[term] + SATURATION)
            for term in wanted & terms.keys()
        )

    return score


def _passage(text: Text, wanted: set[str]) -> str:
    paragraphs = [paragraph for paragraph in text.body.split("\n\n") if not paragraph.startswith("- ")]
    best = max(paragraphs, key=lambda paragraph: len(wanted & set(terms_of(paragraph))))
    return best if len(best) <= PASSAGE_CHARS else best[:PASSAGE_CHARS].rsplit(" ", 1)[0] + " …"


def terms_of(text: str) -> list[str]:
    return [word.removesuffix("s")[:STEM_CHARS] for word in _WORD.findall(text.lower()) if word not in _COMMON]


@cache
def collection() -> tuple[Text, ...]:
    """Every text, by id. They are part of the program: read once."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.md")))


def _read(path: Path) -> Text:
    heading, _, body = path.read_text(encoding="utf-8").partition("\n")
    return Text(path.stem, heading.removeprefix("# ").strip(), body.strip())


def text_of(text_id: str) -> Text:
    """Raises NotFound, with the ids that exist, for another one."""
    for text in collection():
        if text.id == text_id:
            return text
    known = ", ".join(text.id for text in collection())
    raise NotFound(f"there is no text {text_id!r}; there are: {known}", code="unknown_text")
