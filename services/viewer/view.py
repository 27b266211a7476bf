"""From the fold to what is shown, without IO: the items of each run, nested by namespace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas import namespace
from schemas.fold import Fold
from schemas.transcript import Agent, AnyItem, Interrupt, Message, RunState, State
from services.viewer.client import Changes


@dataclass(slots=True)
class Node:
    """What one namespace of a run did: its items in the order of the log, and, where they began, the namespaces in it."""

    ns: str
    agent: Agent | None = None
    content: list[AnyItem | Node] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether something may still come: its agent, a thing of its own, or a namespace in it is open."""
        if self.agent is not None and self.agent.status != "open":
            return False
        return self.agent is not None or any(
            part.open if isinstance(part, Node) else part.status == "open" for part in self.content
        )

    def walk(self) -> Iterator[Node]:
        yield self
        for part in self.content:
            if isinstance(part, Node):
                yield from part.walk()


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it is drawn: the message it answers, if that was seen, and the tree of its namespaces."""

    run: RunState
    question: Message | None
    root: Node

    @property
    def interrupts(self) -> list[Interrupt]:
        """What waits for a person, the first asked first."""
        parts = (part for node in self.root.walk() for part in node.content)
        return [part for part in parts if isinstance(part, Interrupt) and part.status == "open"]


def view_run(run: RunState, items: Iterable[AnyItem]) -> RunView:
    question = None
    root = Node(namespace.ROOT)
    nodes = {root.ns: root}
    for item in items:
        match item:
            case Message(role="user"):
                question = item
            case Agent():
                _node(nodes, item.ns).agent = item
            case State():
                pass  # for programs; what people are to see of it is said otherwise
            case _:
                _node(nodes, item.ns).content.append(item)
    return RunView(run, question, root)


def _node(nodes: dict[str, Node], ns: str) -> Node:
    """The node of a namespace, put with its parents where they are first heard of: a parent may be outside a filter."""
    node = nodes.get(ns)
    if node is None:
        node = nodes[ns] = Node(ns)
        _node(nodes, namespace.parent(ns) or namespace.ROOT).content.append(node)
    return node


class Index:
    """Which items belong to which run, in the order of the log, kept current from what changed.

    So a redraw costs what is shown, and not what was ever said in the conversation.
    """

    def __init__(self) -> None:
        self._items: dict[str, AnyItem] = {}
        self._of_run: dict[str, dict[str, None]] = {}

    def update(self, fold: Fold, changes: Changes) -> None:
        if changes.reset:
            self._items.clear()
            self._of_run.clear()
            for item in fold.items():
                self._add(item)
            return
        for item_id in changes.items:
            known = self._items.get(item_id)
            if known is not None and fold.item(item_id) is not known:  # dropped; perhaps opened anew, later in the log
                del self._items[item_id]
                del self._of_run[known.run][item_id]
        for item in _newest(fold, {item_id for item_id in changes.items if item_id not in self._items}):
            self._add(item)

    def _add(self, item: AnyItem) -> None:
        self._items[item.id] = item
        self._of_run.setdefault(item.run, {})[item.id] = None

    def view(self, fold: Fold, run: RunState) -> RunView:
        items = (fold.item(item_id) for item_id in self._of_run.get(run.id, ()))
        return view_run(run, [item for item in items if item is not None])


def _newest(fold: Fold, wanted: set[str]) -> list[AnyItem]:
    """The items of these ids that are there, in the order of the log: all stand near its end."""
    missing = {item_id for item_id in wanted if fold.item(item_id) is not None}
    found: list[AnyItem] = []
    if missing:
        for item in fold.newest():
            if item.id in missing:
                missing.discard(item.id)
                found.append(item)
                if not missing:
                    break
    return found[::-1]
