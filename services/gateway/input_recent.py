"""Which conversation a run belongs to, for the runs that came through this gateway lately."""

from __future__ import annotations

from collections import OrderedDict

RUNS_MAX = 10_000
"""About 1 MB. An older run is found in the archive, or by `<conversation>.<run>` anywhere."""


class RecentRuns:
    def __init__(self, runs_max: int = RUNS_MAX) -> None:
        self._conversations: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._runs_max = runs_max

    def remember(self, tenant: str, run: str, conversation: str) -> None:
        self._conversations[tenant, run] = conversation
        self._conversations.move_to_end((tenant, run))
        if len(self._conversations) > self._runs_max:
            self._conversations.popitem(last=False)

    def conversation_of(self, tenant: str, run: str) -> str | None:
        return self._conversations.get((tenant, run))
