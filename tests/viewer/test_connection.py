import pytest

from services.viewer.connection import BACKOFF_S_MAX, BACKOFF_S_MIN, Comeback, backoff_s, comeback_after, websocket_url


@pytest.mark.parametrize("code", [4400, 4401, 4499])
def test_a_viewer_does_not_come_back_where_it_is_not_wanted(code):
    assert comeback_after(code, "you are not let in") == Comeback(never=True, why="you are not let in")
    assert str(code) in comeback_after(code, "").why


@pytest.mark.parametrize("code", [4000, 4001, 4099])
def test_a_viewer_that_may_come_back_at_once_does(code):
    assert comeback_after(code, "").delay_s <= BACKOFF_S_MIN


@pytest.mark.parametrize("code", [None, 1000, 1006, 1011, 1012, 4100, 4199])
def test_after_any_other_end_a_viewer_backs_off(code):
    assert comeback_after(code, "") == Comeback()


def test_backing_off_doubles_up_to_a_bound_and_never_beats_in_step():
    for failures in range(40):
        whole = min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2**failures)
        waits = {backoff_s(failures) for _ in range(20)}
        assert all(whole / 2 <= wait <= whole for wait in waits)
        assert len(waits) > 1


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/v1/ws"),
        ("https://example.org/anabranch/", "wss://example.org/anabranch/v1/ws"),
    ],
)
def test_the_stream_is_at_the_gateways_address(url, address):
    assert websocket_url(url) == address
