"""The figures that bear on a question: those it states itself, else those of the text that answers it best."""

from __future__ import annotations

from services.agent_worker.tools.figures import Figure, Figures, figures_in
from services.agent_worker.tools.search_texts import Query, collection, scorer, terms_of
from services.agent_worker.tools.tool import Progress, tool

ROWS_MIN = 2
ROWS_MAX = 40


@tool
async def collect_figures(query: Query, *, progress: Progress) -> Figures:
    """Find figures to compare: in the question itself, or in the collection. Where there are none, count how often each text
    speaks about the question.
    """
    await progress("reading the question", 10)
    stated = figures_in(query, "the question")
    if len(stated.rows) >= ROWS_MIN:
        await progress("done", 100, f"{len(stated.rows)} figures in the question")
        return _bounded(stated)
    texts = collection()
    score = scorer(query)
    best, best_score = Figures("", "", []), 0.0
    for number, text in enumerate(texts, start=1):
        figures = figures_in(text.body, text.title)
        if len(figures.rows) >= ROWS_MIN and score(text) > best_score:
            best, best_score = figures, score(text)
        await progress("reading the collection", 10 + 90 * number // len(texts), text.title)
    return _bounded(best if best.rows else _counted(query))


def _counted(query: str) -> Figures:
    """How often each text speaks about the question; where none does, how long they are."""
    wanted = set(terms_of(query))
    mentions = [Figure(text.title, sum(text.terms[term] for term in wanted)) for text in collection()]
    if any(row.value for row in mentions):
        return Figures("the collection", "mentions", [row for row in mentions if row.value])
    return Figures("the collection", "words", [Figure(text.title, len(text.body.split())) for text in collection()])


def _bounded(figures: Figures) -> Figures:
    return Figures(figures.source, figures.unit, figures.rows[:ROWS_MAX])
