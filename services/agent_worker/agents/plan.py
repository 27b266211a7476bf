"""A plan that is worked off in order: what `run.plan` is given as it goes on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.events import PlanItem


def worked_off(plan: Sequence[str], done: int) -> list[PlanItem]:
    """The plan with its first `done` items done and the next one, if there is one, under way."""
    items = [PlanItem(text=text, status="done" if at < done else "pending") for at, text in enumerate(plan)]
    if done < len(plan):
        items[done] = PlanItem(text=plan[done], status="active")
    return items
