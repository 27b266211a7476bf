"""The journal of a run: the worker's own fold of the log, from which the seal is made. Pure.

A run's transcript comes from two lanes, its own and `in`, in the order of the log. Own frames are known when they are
acknowledged, those of `in` only when somebody looks. Nearly always the order between the two does not matter; where it does
(an attempt begins, an interrupt expires, the run ends) the journal waits until `in` is known up to that point.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas import events as ev
from schemas.fold import Fold
from schemas.transcript import Transcript

_ORDER_MATTERS = (ev.RunStarted, ev.InterruptResolved, *ev.RUN_ENDS)
"""Events of a run's lane that take the open interrupts into account which an answer on the `in` lane may close first."""


class Journal:
    """`input_last` is the number of the last event on the `in` lane before the run's `user.message` frame."""

    def __init__(self, conversation: str, *, input_last: int, title: str = "") -> None:
        self.fold = Fold(Transcript(conversation=conversation, title=title, input_last=input_last))
        self.inputs: list[ev.Frame] = []
        """Every frame of the `in` lane since the run's own message, in order."""
        self._held: list[ev.Frame] = []
        self._waits = False

    def own(self, frame: ev.Frame) -> None:
        """A frame of the run's lane, with its `seq`, in order. Raises FoldError as the fold does."""
        if self._waits or any(isinstance(event, _ORDER_MATTERS) for event in frame.events):
            self._waits = True
            self._held.append(frame)
        else:
            self.fold.apply(frame)

    def input(self, frames: Iterable[ev.Frame], upto: int) -> None:
        """The frames of the `in` lane that have come since the last call. No others have a stream sequence up to `upto`,
        and no own ones that are not here yet. Raises FoldError as the fold does.
        """
        frames = list(frames)
        self.inputs += frames
        held = sorted([*self._held, *frames], key=lambda frame: frame.seq)
        self._held = [frame for frame in held if frame.seq > upto]
        self._waits = any(not frame.is_input for frame in self._held)
        for frame in held:
            if frame.seq <= upto:
                self.fold.apply(frame)
