"""Deliveries in batches: the first one waits a moment for company, never longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from core.broker.port import Delivery, Subscription


async def batches(
    subscription: Subscription, *, most: int, patience: float
) -> AsyncIterator[list[Delivery]]:
    """Lists of 1 to `most` deliveries. `patience`: seconds a batch waits after its first delivery.

    A delivery that was taken from the subscription is always handed on, also when the subscription
    ends.
    """
    incoming = aiter(subscription)
    following = asyncio.ensure_future(anext(incoming, None))
    try:
        while (first := await following) is not None:
            batch = [first]
            until = asyncio.get_running_loop().time() + patience
            following = asyncio.ensure_future(anext(incoming, None))
            while len(batch) < most:
                left = until - asyncio.get_running_loop().time()
                done, _ = await asyncio.wait([following], timeout=max(left, 0))
                if not done:
                    break
                delivery = following.result()
                if delivery is None:
                    break
                batch.append(delivery)
                following = asyncio.ensure_future(anext(incoming, None))
            yield batch
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
