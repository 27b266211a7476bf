from services.broker.port import Record
from services.gateway.rate import Bucket
from services.gateway.ring import Ring


def test_a_bucket_allows_its_burst_and_then_its_rate():
    bucket = Bucket(per_s=10, burst=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.1)
    assert not bucket.take(0.15)
    assert [bucket.take(100) for _ in range(4)] == [True, True, True, False]


def filled(count, size, bytes_max):
    ring = Ring(0, bytes_max)
    for index in range(1, count + 1):
        ring.append(Record(index * 3, "r", b"x" * size))
    return ring


def test_a_ring_holds_everything_after_its_floor_and_no_more_than_its_bytes():
    ring = filled(100, 10, 95)
    assert ring.floor == 91 * 3
    assert [record.seq for record in ring.after(ring.floor, records_max=100, bytes_max=10**6)] == [
        index * 3 for index in range(92, 101)
    ]
    assert ring.bytes_after(ring.floor) == 90
    assert ring.bytes_after(100 * 3) == 0


def test_a_ring_keeps_the_newest_record_however_large():
    ring = filled(5, 1000, 10)
    assert ring.floor == 12
    assert len(ring.after(12, records_max=10, bytes_max=10**6)) == 1


def test_a_ring_gives_what_is_within_both_limits_but_always_one():
    ring = filled(10, 100, 10**6)
    assert len(ring.after(0, records_max=4, bytes_max=10**6)) == 4
    assert len(ring.after(0, records_max=100, bytes_max=250)) == 2
    assert len(ring.after(0, records_max=100, bytes_max=1)) == 1
    assert [record.seq for record in ring.after(4, records_max=2, bytes_max=10**6)] == [6, 9]
