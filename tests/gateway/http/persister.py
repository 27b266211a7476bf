"""A persister without its care: the test's archive gets what a gateway lists and what a test seals."""

import msgspec

from schemas.seal import ConversationDeletion, SealMessage

_decode = msgspec.json.Decoder(SealMessage).decode


async def persist(broker, writer):
    while True:
        deliveries = await broker.fetch_seals(100, 1.0)
        messages = [_decode(delivery.data) for delivery in deliveries]
        results = await writer.write(messages)
        assert not any(results), results
        for message in messages:
            if isinstance(message, ConversationDeletion):
                await broker.forget(message)
        for delivery in deliveries:
            await delivery.ack()
