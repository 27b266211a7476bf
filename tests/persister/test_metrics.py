"""What a persister counts."""

from schemas.errors import Unavailable
from services.metrics import Metrics
from services.persister import breaker
from tests.archive.seals import small
from tests.broker.waiting import eventually
from tests.persister.conftest import persisting


async def test_seals_are_counted_by_what_became_of_them_with_their_transactions(broker, archive):
    broker.core.seals.put("ab.seal.t1.c9.r9", b"this is no seal")
    for run in ("r1", "r2"):
        await broker.publish_seal(small(run, conversation=run), run)
    async with persisting(broker, archive) as writer:
        await eventually(lambda: not broker.core.seals.jobs)

    counts = writer.counts
    assert counts.seals.counts == {("written",): 2, ("returned",): 0, ("dead",): 1}
    assert sum(counts.behind_s.counts) == 2 and counts.batch.total == 2.0
    assert sum(counts.commit_s.counts) == sum(counts.batch.counts) >= 1
    assert (counts.failures, writer.archive_down) == (0, False)


async def test_an_archive_that_is_down_says_so_until_it_answers(broker, archive, monkeypatch):
    async def fails(messages):
        raise Unavailable("down")

    metrics = Metrics()
    monkeypatch.setattr(archive, "write", fails)
    monkeypatch.setattr(breaker, "LONGEST_S", 0.05)
    await broker.publish_seal(small("r1"), "r1")
    async with persisting(broker, archive) as writer:
        writer.counts.register(metrics, lambda: writer.archive_down)
        await eventually(lambda: metrics.registry.get_sample_value("anabranch_archive_down") == 1.0)
        failures = metrics.registry.get_sample_value("anabranch_archive_failures_total")
        monkeypatch.undo()
        await eventually(lambda: metrics.registry.get_sample_value("anabranch_archive_down") == 0.0)

    assert failures >= breaker.FAILURES_MAX
