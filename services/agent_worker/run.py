"""Run: what an agent's code works with. Each agent inside a run has one of its own, for its namespace.

    @agent("greeter", description="Says hello.")
    async def greeter(run: Run, task: str) -> str:
        said = await run.say(f"Greet whoever wrote: {task}")
        return said.text

Whatever is done here is published as events, in order, and after the loss of a worker it is not done again: see `kept`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from typing import Any, Literal

import msgspec

from schemas import events as ev
from schemas import namespace
from schemas.commands import Turn as Past
from schemas.errors import Invalid
from schemas.patch import apply_patch
from services.agent_worker.artifacts import ArtifactWriter
from services.agent_worker.calling import call_asked, call_tool, inside
from services.agent_worker.kept import CANCELLED
from services.agent_worker.models import port
from services.agent_worker.saying import ask_model, said_before, say_texts, text_of_model
from services.agent_worker.speech import Asked, Said
from services.agent_worker.tools.tool import Tool
from services.agent_worker.turn import BROKEN_OFF, Answer, Turn, error_of, note
from services.agent_worker.values import plain

Prompt = str | Sequence[port.ModelMessage] | AsyncIterable[str] | None


class Run:
    """`ns` is the namespace it speaks in, `input` what it is asked, `history` the conversation before. `result`, if set, is
    published as the agent's when it finishes.
    """

    def __init__(self, turn: Turn, ns: str = namespace.ROOT, input: str | None = None) -> None:
        self._turn = turn
        self._state: Any = {}
        self._plan = ""
        self.ns = ns
        self.input = turn.command.text if input is None else input
        self.result = ""

    @property
    def id(self) -> str:
        return self._turn.command.run

    @property
    def conversation(self) -> str:
        return self._turn.command.conversation

    @property
    def history(self) -> Sequence[Past]:
        return self._turn.command.history

    @property
    def model(self) -> port.Model:
        """The model that `say` asks. Raises Invalid if the run was opened without one."""
        if self._turn.model is None:
            raise Invalid("this run has no model", code="no_model")
        return self._turn.model

    # --- saying

    async def say(
        self,
        prompt: Prompt = None,
        *,
        system: str = "",
        tools: Sequence[Tool] = (),
        max_tokens: int = 0,
        model: port.Model | None = None,
    ) -> Said:
        """Stream one message. `prompt` is what the model is asked: a text, whole messages, or None for the conversation so
        far and the user's message; or an async iterator of text that is published as it comes, without a model.

        Raises:
            ModelError: the model failed, after retries if it had not said anything.
        """
        kept = self._turn.kept.message(self.ns)
        if kept is not None:
            return said_before(self._turn, kept)
        if isinstance(prompt, AsyncIterable):
            return await say_texts(self._turn, self.ns, prompt)
        request = port.ModelRequest(
            messages=self._messages(prompt, system),
            tools=tuple(tool.spec for tool in tools),
            max_tokens=max_tokens,
        )
        return await ask_model(self._turn, self.ns, model or self.model, request)

    def stream(
        self,
        prompt: str | Sequence[port.ModelMessage] | None = None,
        *,
        system: str = "",
        max_tokens: int = 0,
        model: port.Model | None = None,
    ) -> AsyncGenerator[str, None]:
        """The model's text as it comes, not published as a message: for `ArtifactWriter.take`. Asks as `say` does, when it is
        first read. Raises ModelError as `say` does.
        """
        request = port.ModelRequest(messages=self._messages(prompt, system), max_tokens=max_tokens)
        return text_of_model(self._turn, self.ns, model or self.model, request)

    def _messages(self, prompt: str | Sequence[port.ModelMessage] | None, system: str) -> tuple[port.ModelMessage, ...]:
        start: list[port.ModelMessage] = [port.SystemMessage(system)] if system else []
        if prompt is None:
            start += [_as_message(past) for past in self.history]
            start.append(port.UserMessage(self.input))
        elif isinstance(prompt, str):
            start.append(port.UserMessage(prompt))
        else:
            start += prompt
        return tuple(start)

    # --- tools

    async def tool(self, tool: Tool, /, **args: Any) -> Any:
        """Call a tool and return its result. Its progress is visible.

        Raises:
            ToolError: it failed; or what else `AnabranchError` it raised.
        """
        return await call_tool(self._turn, self.ns, tool, args)

    async def call(self, asked: Asked, tools: Sequence[Tool]) -> Any:
        """Perform a tool call that the model asked for, with the one of `tools` that it names. As `tool` otherwise.

        Raises:
            ToolError: also when the model named no such tool, or wrote arguments that are no JSON object; the message is
                written so that the model can do better.
        """
        return await call_asked(self._turn, self.ns, asked, tools)

    # --- agents, steps, plans

    @contextlib.asynccontextmanager
    async def agent(
        self, name: str, *, input: str = "", description: str = "", cause: ev.Cause | None = None
    ) -> AsyncIterator[Run]:
        """Open an agent inside this one; several at once is what `asyncio.TaskGroup` is for. What is published by the Run
        that this gives is in a namespace of its own. Without a `cause` it is the tool call we are inside of, or the code.

        Raises:
            Invalid: the name is no id, or it is nested too deeply.
        """
        key = (self.ns, name)
        self._turn.invocations[key] += 1
        ns = namespace.child(self.ns, name, str(self._turn.invocations[key]))
        sub = Run(self._turn, ns, input)
        if self._turn.kept.agent(ns) is not None:  # it ended before; what it did is returned to whoever asks it again
            yield sub
            return
        if cause is None:
            caller, call = inside.get()
            cause = ev.Cause(kind="tool", id=call) if caller == self.ns else ev.Cause(kind="code")
        await self._turn.room()
        sub._emit(ev.AgentStarted(name=name, description=note(description), cause=cause))
        try:
            yield sub
        except asyncio.CancelledError:
            sub._emit(ev.AgentFailed(code=CANCELLED, message=BROKEN_OFF))
            raise
        except Exception as error:
            code, message, _ = error_of(error, f"agent {name}")
            sub._emit(ev.AgentFailed(code=code, message=message))
            raise
        sub._emit(ev.AgentFinished(result=note(sub.result)))

    @contextlib.asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """A named step of reasoning or work, from entering to leaving the context."""
        if self._turn.kept.step(self.ns, name) is not None:
            yield
            return
        await self._turn.room()
        item_id = self._turn.ids.next("s")
        self._emit(ev.StepStarted(id=item_id, name=note(name)))
        yield  # left by an error it stays open, and is closed as interrupted when the run ends
        self._emit(ev.StepFinished(id=item_id))

    def plan(self, items: Sequence[ev.PlanItem | str]) -> None:
        """Publish the plan of this agent, or its new state."""
        if not self._plan:
            kept = self._turn.kept.plan(self.ns)
            self._plan = kept.id if kept is not None else self._turn.ids.next("p")
        plan = [ev.PlanItem(text=item) if isinstance(item, str) else item for item in items]
        self._note(ev.PlanUpdated(id=self._plan, items=plan))

    # --- artifacts and the rest

    def artifact(
        self, kind: str, name: str, media_type: str, *, of: str = "", message: str = ""
    ) -> contextlib.AbstractAsyncContextManager[ArtifactWriter]:
        """Write an artifact, or with `of` (an artifact's id) a new version of it: intermediate while the context is open,
        final when it is left. `message` is the id of the message that it belongs to.
        """
        return ArtifactWriter(self._turn, self.ns, kind=kind, name=name, media_type=media_type, of=of, message=message)

    def source(self, url: str, *, title: str = "", quote: str = "", message: str = "") -> None:
        """Name a source of what is said; `message` is the id of the message that cites it."""
        quote = note(quote)
        if self._turn.kept.source(self.ns, url, quote) is None:
            item_id = self._turn.ids.next("q")
            self._note(ev.SourceAdded(id=item_id, url=url, title=note(title), quote=quote, message=message))

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        text = note(text)
        if self._turn.kept.log(self.ns, level, text) is None:
            self._note(ev.Log(id=self._turn.ids.next("l"), level=level, text=text))

    @property
    def state(self) -> Any:
        """The shared state of this namespace. To be read; `set_state` and `patch_state` change it."""
        return self._state

    def set_state(self, value: Any) -> None:
        """Raises Invalid for a number that is not finite, TooLarge for what no event can carry."""
        self._state = plain(value)
        if not self._turn.kept.state_update(self.ns):
            self._note(ev.StateSnapshot(state=self._state))

    def patch_state(self, patch: list[dict[str, Any]]) -> None:
        """Change the state by RFC 6902 operations. Raises FoldError if they do not apply; else as `set_state`."""
        patch = plain(patch)
        self._state = apply_patch(self._state, patch)
        if not self._turn.kept.state_update(self.ns):
            self._note(ev.StateDelta(patch=patch))

    def usage(self, usage: ev.Usage) -> None:
        """Add what a model used that the run did not call itself."""
        self._note(ev.UsageUpdated(usage=usage))

    # --- people

    async def ask(
        self,
        kind: Literal["approval", "choice", "input"],
        prompt: str,
        *,
        tool: str = "",
        args: dict[str, Any] | None = None,
        options: Sequence[str] = (),
        timeout_s: float = 600.0,
    ) -> Answer:
        """Ask a person and wait in place; `expired` after `timeout_s`."""
        kept = self._turn.kept.interrupt(self.ns, kind, prompt)
        if kept is not None:
            return Answer(kept.decision, kept.value, kept.by)
        request = ev.InterruptRequested(
            id=self._turn.ids.next("i"),
            kind=kind,
            prompt=prompt,
            tool=tool,
            args=args or {},
            options=list(options),
            ns=self.ns,
        )
        return await self._turn.ask(request, timeout_s)

    # --- inside

    def _note(self, event: ev.KnownEvent) -> None:
        """Publish what waits for nothing. Raises Overloaded (`too_much_unpublished`), TooLarge."""
        self._turn.check_crowd()
        self._emit(event)

    def _emit(self, event: ev.KnownEvent) -> None:
        msgspec.structs.force_setattr(event, "ns", self.ns)
        self._turn.emit(event)


def _as_message(past: Past) -> port.ModelMessage:
    return port.UserMessage(past.text) if past.role == "user" else port.AssistantMessage(past.text)
