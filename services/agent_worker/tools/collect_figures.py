"""The figures that bear on a question: those it states itself, else those of the text that answers it best."""

from __future__ import annotations

from services.agent_worker.tools.figures import Figure, Figures, figures_in
from services.agent_worker.tools.search_texts import Query, collection, terms_of
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
    wanted = set(terms_of(query))
    mentions: dict[str, int] = {}
    best = Figures("", "", [])
    best_mentions = 0
    texts = collection()
    for number, text in enumerate(texts, start=1):
        mentions[text.title] = sum(text.terms[term] for term in wanted)
        figures = figures_in(text.body, text.title)
        if len(figures.rows) >= ROWS_MIN and mentions[text.title] > best_mentions:
            best, best_mentions = figures, mentions[text.title]
        await progress("reading the collection", 10 + 90 * number // len(texts), text.title)
    if best.rows:
        return _bounded(best)
    counted = [Figure(title, count) for title, count in mentions.items() if count] or [
        Figure(text.title, len(text.body.split())) for text in texts
    ]
    return _bounded(Figures("the collection", "mentions" if any(mentions.values()) else "words", counted))


def _bounded(figures: Figures) -> Figures:
    return Figures(figures.source, figures.unit, figures.rows[:ROWS_MAX])
