import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as ev
from schemas import wire
from schemas.codec import json_hook
from schemas.errors import Invalid
from schemas.fold import fold_all
from schemas.transcript import Interrupt
from services.viewer.client import RESYNCS_MAX, SEND_TRIES_MAX, Client, Outgoing
from services.viewer.incoming import decode_server
from tests.schemas import logs
from tests.viewer import demo

rngs = st.integers(0, 2**32).map(random.Random)


def cursor(seq: int) -> str:
    return f"{demo.EPOCH}-{seq}"


def deliver(client: Client, message: wire.ServerMessage) -> list[Outgoing]:
    """As it comes: through bytes."""
    decoded = decode_server(msgspec.json.encode(message, enc_hook=json_hook))
    assert decoded is not None
    return client.receive(decoded)


class Server:
    """What a gateway would say to one client, over a log: batches of any size, with any overlap it is allowed."""

    def __init__(self, log: list[ev.Frame]) -> None:
        self.log = log

    def seq(self, position: int) -> int:
        return self.log[position - 1].seq if position else 0

    def connect(self, client: Client) -> tuple[wire.Subscribe, int]:
        """Returns the subscription asked for, and the position that the client holds."""
        subscribe = client.opened()[0].message
        assert isinstance(subscribe, wire.Subscribe)
        seen = int(subscribe.after.partition("-")[2]) if subscribe.after else 0
        return subscribe, next((i for i, frame in enumerate(self.log) if frame.seq > seen), len(self.log))

    def snapshot(self, client: Client, sub: str, position: int) -> None:
        at = cursor(self.seq(position))
        said = wire.Subscribed(sub=sub, conversation="c1", mode="snapshot", cursor=at)
        deliver(client, said)
        deliver(client, wire.Snapshot(sub=sub, cursor=at, transcript=fold_all("c1", self.log[:position])))

    def replay(self, client: Client, sub: str, start: int, cuts: list[int]) -> None:
        """The frames from `start` to the last cut, one `events` message between each two."""
        deliver(client, wire.Subscribed(sub=sub, conversation="c1", mode="replay", cursor=cursor(self.seq(start))))
        for begin, end in zip([start, *cuts], cuts, strict=False):
            message = wire.Events(
                sub=sub,
                prev=cursor(self.seq(begin)),
                cursor=cursor(self.seq(end)),
                frames=self.log[begin:end],
            )
            deliver(client, message)


def subscribed(log: list[ev.Frame]) -> tuple[Client, str]:
    """A client that has seen the whole log in a snapshot and is live."""
    client, server = Client("c1"), Server(log)
    subscribe, _ = server.connect(client)
    server.snapshot(client, subscribe.sub, len(log))
    deliver(client, wire.CaughtUp(sub=subscribe.sub, cursor=cursor(server.seq(len(log)))))
    return client, subscribe.sub


@given(rngs, st.data())
def test_any_cuts_and_resumptions_give_the_fold_of_the_whole_log(rng, data):
    server = Server(logs.conversation(rng))
    client = Client("c1")
    position = 0
    while position < len(server.log):
        subscribe, held = server.connect(client)
        assert held == position or not client.cursor
        if not client.cursor or data.draw(st.booleans(), label="snapshot"):
            position = data.draw(st.integers(position, len(server.log)))
            server.snapshot(client, subscribe.sub, position)
            start = position
        else:
            start = data.draw(st.integers(max(0, position - 3), position), label="overlap")
        cuts = sorted(data.draw(st.lists(st.integers(position, len(server.log)), max_size=3)))
        server.replay(client, subscribe.sub, start, cuts)
        position = cuts[-1] if cuts else position
        client.lost()
        assert client.link == "reconnecting"
        if not cuts and data.draw(st.integers(0, 3)) == 0:
            break
    subscribe, held = server.connect(client)
    server.replay(client, subscribe.sub, held, [len(server.log)])
    assert client.fold.snapshot() == fold_all("c1", server.log)
    assert client.failure == ""


@given(rngs, st.data())
def test_what_changed_is_told_so_that_who_keeps_only_the_changes_knows_every_item(rng, data):
    server = Server(logs.conversation(rng))
    client = Client("c1")
    subscribe, _ = server.connect(client)
    known: dict[str, object] = {}
    server.replay(client, subscribe.sub, 0, [0])
    for position in range(len(server.log)):
        server.replay(client, subscribe.sub, position, [position + 1])
        for item in client.take_changes().items:
            known[item] = client.fold.item(item)
    assert {item: known[item] for item in known if known[item] is not None} == {
        item.id: item for item in client.fold.items()
    }


def test_a_hole_before_an_events_message_is_asked_for_again_from_the_cursor():
    log = demo.team_run()
    client, sub = subscribed(log[:3])
    late = wire.Events(sub=sub, prev=cursor(log[4].seq), cursor=cursor(log[5].seq), frames=[log[5]])
    gone, again = deliver(client, late)
    assert gone.message == wire.Unsubscribe(sub=sub)
    assert isinstance(again.message, wire.Subscribe)
    assert again.message.after == cursor(log[2].seq)
    assert client.link == "gap"
    assert client.fold.snapshot() == fold_all("c1", log[:3])


def test_events_of_a_subscription_that_was_given_up_change_nothing():
    log = demo.team_run()
    client, sub = subscribed(log[:3])
    client.lost()
    client.opened()
    deliver(client, wire.Events(sub=sub, prev=cursor(log[2].seq), cursor=cursor(log[3].seq), frames=[log[3]]))
    assert client.cursor == cursor(log[2].seq)


def test_a_log_that_contradicts_the_fold_is_replaced_by_a_snapshot_and_not_for_ever():
    log = demo.team_run()
    client, sub = subscribed(log[:3])
    for attempt in range(RESYNCS_MAX + 1):
        wrong = wire.Events(sub=sub, prev=client.cursor, cursor=cursor(99), frames=[logs.replace(log[5], seq=99)])
        sent = [out.message for out in deliver(client, wrong)]
        if attempt < RESYNCS_MAX:
            subscribe = sent[1]
            assert (subscribe.mode, subscribe.after) == ("snapshot", "")
            sub = subscribe.sub
            Server(log).snapshot(client, sub, 3)
    assert "does not fit" in client.failure
    assert client.link == "failed"


def test_a_client_that_comes_with_a_cursor_alone_sees_the_rest_and_only_that():
    log = demo.team_run()
    middle = 12
    client, server = Client("c1", after=cursor(log[middle - 1].seq)), Server(log)
    subscribe, held = server.connect(client)
    assert (subscribe.mode, held) == ("replay", middle)
    server.replay(client, subscribe.sub, held, [len(log)])
    shown = {item.id for item in client.fold.items()}
    assert "m2-4" in shown
    assert "m2-1" not in shown
    assert client.fold.runs["run1"].status == "completed"
    client.lost()
    assert server.connect(client)[0].mode == "replay"


def test_after_a_gap_the_snapshot_that_follows_is_taken_and_everything_is_to_be_drawn_again():
    log = demo.team_run()
    client, sub = subscribed(log[:3])
    client.take_changes()
    deliver(client, wire.Gap(sub=sub, after=client.cursor, to="e1-7", reason="epoch"))
    assert client.link == "gap"
    deliver(client, wire.Snapshot(sub=sub, cursor="e1-7", transcript=fold_all("c1", log)))
    deliver(client, wire.CaughtUp(sub=sub, cursor="e1-7"))
    assert (client.cursor, client.link) == ("e1-7", "live")
    assert client.take_changes().reset


def test_a_lagging_viewer_says_so_until_it_has_caught_up():
    client, sub = subscribed(demo.team_run())
    deliver(client, wire.Lagging(sub=sub, cursor=client.cursor))
    assert client.link == "lagging"
    deliver(client, wire.CaughtUp(sub=sub, cursor=client.cursor))
    assert client.link == "live"


def test_a_message_is_sent_again_on_every_connection_until_it_is_acknowledged():
    client, _ = subscribed(demo.team_run())
    (first,) = client.send("u2", "more?", "team")
    client.lost()
    assert first.message in [out.message for out in client.opened()]
    deliver(client, wire.Ack(ref="u2", run="run1", attached=True))
    assert client.outcome("u2").status == "completed"
    client.lost()
    assert first.message not in [out.message for out in client.opened()]


def test_a_message_that_cannot_be_taken_now_is_tried_again_later_and_later_and_then_given_up():
    client, _ = subscribed(demo.team_run())
    client.send("u2", "more?", "team")
    refused = wire.Error(code="unavailable", message="no broker", retryable=True, ref="u2")
    delays = [out.delay_s for _ in range(SEND_TRIES_MAX) for out in deliver(client, refused)]
    assert delays == sorted(set(delays))
    assert len(delays) == SEND_TRIES_MAX - 1
    assert client.take_notices() == ["no broker"]
    assert client.refused == {"u2"}
    assert client.unsent == []


@pytest.mark.parametrize(
    ("kind", "options", "typed", "decision", "value"),
    [
        ("approval", [], "yes", "approved", None),
        ("approval", [], " Y ", "approved", None),
        ("approval", [], "better not", "denied", None),
        ("choice", ["left", "right"], "2", "answered", "right"),
        ("choice", ["left", "right"], "left", "answered", "left"),
        ("choice", ["left", "right"], "3", "answered", "3"),
        ("input", [], "forty two", "answered", "forty two"),
    ],
)
def test_what_a_person_types_answers_what_a_run_asks(kind, options, typed, decision, value):
    client, _ = subscribed(demo.team_run())
    asked = Interrupt(id="i2-1", run="run1", kind=kind, prompt="?", options=options)
    (answer,) = client.resolve(asked, typed)
    assert (answer.message.interrupt, answer.message.decision, answer.message.value) == ("i2-1", decision, value)
    client.lost()
    assert answer.message in [out.message for out in client.opened()]


def test_a_conversation_that_is_not_there_ends_the_visit():
    client = Client("nobody")
    sub = client.opened()[0].message.sub
    deliver(client, wire.Error(code="not_found", message="no conversation 'nobody'", ref=sub))
    assert client.failure == "no conversation 'nobody'"


def test_a_subscription_that_is_refused_for_now_is_asked_for_again_under_the_same_cursor():
    client, sub = subscribed(demo.team_run())
    busy = wire.Error(code="overloaded", message="busy", retryable=True, ref=sub)
    (again,) = deliver(client, busy)
    assert again.delay_s > 0
    assert again.message.after == client.cursor


def test_a_log_that_lost_what_was_seen_is_taken_as_it_is_now():
    client, sub = subscribed(demo.team_run())
    future = wire.Error(code="cursor_from_future", message="after the end of the log", ref=sub)
    _, again = deliver(client, future)
    assert (again.message.mode, again.message.after) == ("snapshot", "")
    assert client.failure == ""


def test_a_cursor_that_is_none_is_refused_at_once():
    with pytest.raises(Invalid):
        Client("c1", after="yesterday")


def test_events_and_operations_of_a_newer_gateway_are_carried_or_skipped():
    frame = '{"run":"run1","n":1,"ts":1,"seq":5,"events":[{"type":"weather.changed","sky":"blue"}]}'
    newer = f'{{"op":"events","sub":"s1","prev":"e0-0","cursor":"e0-5","frames":[{frame}]}}'
    message = decode_server(newer)
    assert isinstance(message, wire.Events)
    assert message.frames[0].seq == 5
    assert message.frames[0].events[0].type == "weather.changed"
    assert decode_server('{"op":"applause","sub":"s1"}') is None


@pytest.mark.parametrize("data", ["{", "[]", "7", '{"op":7}', '{"op":"ack"}', '{"op":"events","sub":"s1"}', b"\xff"])
def test_what_is_no_message_is_an_error_and_never_a_guess(data):
    with pytest.raises(Invalid):
        decode_server(data)
