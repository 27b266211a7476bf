import random

import pytest

from schemas.cursor import Cursor
from tests.archive.logs import CONVERSATION, EPOCH, TENANT, archived_part, seals_of
from tests.schemas import logs


async def write(writer, *messages):
    assert await writer.write(messages) == [None] * len(messages)


@pytest.mark.parametrize("seed", range(12))
async def test_what_is_read_equals_the_fold_of_the_log(reader, writer, seed):
    log = logs.conversation(random.Random(seed), runs=3, size=4)
    await write(writer, *seals_of(log))
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript == archived_part(log, {"run1", "run2", "run3"})
    assert archived.cursor == Cursor(EPOCH, log[-1].seq)
