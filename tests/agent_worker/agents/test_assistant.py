import msgspec

from schemas.commands import Turn
from schemas.events import Usage
from schemas.transcript import Message, ToolCall
from services.agent_worker.agents.assistant import ROUNDS_MAX, assistant
from services.agent_worker.agents.room import ANSWER_TOKENS, TOKEN_CHARS, answer_tokens, fitted
from services.agent_worker.models.port import (
    AssistantMessage,
    Finished,
    SystemMessage,
    TextDelta,
    ToolCallDone,
    ToolCallStarted,
    ToolMessage,
    UserMessage,
)
from services.agent_worker.models.scripted import Scripted
from tests.agent_worker.tape import COMMAND, plain, take_up


def of_type(things, kind):
    return [thing for thing in things if isinstance(thing, kind)]


class Rehearsed:
    """A model that plays a list of answers: a text, or calls as (name, args) pairs. Keeps what it was asked."""

    name = "rehearsed"
    context_tokens = 128_000

    def __init__(self, *answers, chooses_tools=True):
        self.chooses_tools = chooses_tools
        self.answers = list(answers)
        self.asked = []

    async def stream(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            yield TextDelta(answer)
        else:
            for number, (name, args) in enumerate(answer):
                yield ToolCallStarted(f"c{number}", name)
                yield ToolCallDone(f"c{number}", name, args, "" if args is not None else "the arguments are not JSON")
        yield Finished("stop" if isinstance(answer, str) else "tool_calls", Usage(model=self.name))


async def answer(model, text="What is 17 times 23?"):
    run, tape = take_up(model=model)
    return await assistant(run, text), tape


async def test_a_model_that_cannot_choose_tools_is_offered_none():
    model = Rehearsed("391", chooses_tools=False)
    assert (await answer(model))[0] == "391"
    assert model.asked[0].tools == ()


async def test_tools_are_called_and_their_results_go_back_to_the_model():
    model = Rehearsed([("calculate", {"expression": "17*23"}), ("now", {})], "It is 391.")
    text, tape = await answer(model)
    assert text == "It is 391."
    again = model.asked[1].messages
    assert [type(message) for message in again[-4:]] == [UserMessage, AssistantMessage, ToolMessage, ToolMessage]
    assert (again[-2].call, again[-2].text) == ("c0", "391")
    assert [call.status for call in of_type(tape.fold().snapshot().items, ToolCall)] == ["done", "done"]


async def test_what_goes_wrong_with_a_call_is_told_to_the_model_and_ends_nothing():
    wrong = [("calculate", {"expression": "a b"}), ("calculate", {"x": 1}), ("fly", {}), ("now", None)]
    model = Rehearsed(wrong, "Sorry.")
    text, tape = await answer(model)
    assert text == "Sorry."
    told = [message.text for message in model.asked[1].messages[-4:]]
    assert all(each.startswith("Error: ") for each in told)
    assert "missing required field `expression`" in told[1] or "unknown field `x`" in told[1]
    assert "fly" in told[2]
    assert [call.status for call in of_type(tape.fold().snapshot().items, ToolCall)] == ["failed"] * 4


async def test_a_model_that_only_calls_tools_is_stopped_by_having_none_left():
    model = Rehearsed([("now", {})])
    await answer(model)
    assert len(model.asked) == ROUNDS_MAX
    assert [bool(request.tools) for request in model.asked] == [True] * (ROUNDS_MAX - 1) + [False]


async def test_the_history_goes_before_the_question(monkeypatch):
    model = Rehearsed("Yes.")
    run, _ = take_up(model=model)
    history = [Turn(role="user", text="Hello"), Turn(role="assistant", text="Hi.")]
    run._turn.command = msgspec.structs.replace(COMMAND, history=history)
    await assistant(run, "Still there?")
    assert model.asked[0].messages[1:] == (UserMessage("Hello"), AssistantMessage("Hi."), UserMessage("Still there?"))
    assert isinstance(model.asked[0].messages[0], SystemMessage)


async def test_an_assistant_taken_over_at_any_event_ends_as_if_nothing_had_happened():
    run, whole = take_up(model=Scripted(0))
    await assistant(run, "Calculate something, please, in two sentences")
    for cut in range(len(whole.frames)):
        run, tape = take_up(whole.frames[:cut], attempt=2, model=Scripted(0))
        await assistant(run, "Calculate something, please, in two sentences")
        assert of_type(tape.fold().snapshot().items, Message)[-1].status == "done"
        if not cut:
            assert plain(tape.fold()) == plain(whole.fold())


def test_old_messages_are_left_out_first_and_the_question_never():
    turns = [message for n in range(10) for message in (UserMessage(f"{n}" * 100), AssistantMessage("a" * 100))]
    messages = [*turns, UserMessage("q" * 100)]
    room = ANSWER_TOKENS + 500 // TOKEN_CHARS + 1
    assert fitted(messages, room) == tuple(messages[-5:])
    assert fitted(messages, 100_000) == tuple(messages)
    assert fitted(messages, 1) == (messages[-1],)
    calls = [*messages, AssistantMessage("c" * 1000), ToolMessage("c0", "r" * 1000)]
    assert fitted(calls, 1) == tuple(calls[-3:])


def test_a_limit_leaves_room_to_reason_and_only_a_small_model_always_has_one():
    model = Rehearsed("x")
    assert (answer_tokens(model), answer_tokens(model, 100)) == (0, 4_100)
    model.context_tokens = 2048
    assert (answer_tokens(model), answer_tokens(model, 100)) == (ANSWER_TOKENS, 100)
