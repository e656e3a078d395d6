"""Pages that follow what comes in: one bell for all, server-sent events for each."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

QUIET: Final = 15.0  # seconds between comments that keep a connection open through proxies
CALM: Final = 1.0  # seconds between two events of one page
MAX_LISTENERS: Final = 200


class Bell:
    """Rung from any thread; wakes everybody who waits."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def ring(self) -> None:
        """Something new was kept."""
        self._count += 1
        for event, loop in list(self._waiting.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    @property
    def is_full(self) -> bool:
        """Whether no more pages can listen."""
        return len(self._waiting) >= MAX_LISTENERS

    async def events(self) -> AsyncIterator[bytes]:
        """The stream of one page: an event after each ring, at most one a second."""
        event = asyncio.Event()
        self._waiting[event] = asyncio.get_running_loop()
        try:
            yield b"retry: 3000\n\n"
            while True:
                try:
                    await asyncio.wait_for(event.wait(), QUIET)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                event.clear()
                yield b"event: changed\ndata: %d\n\n" % self._count
                await asyncio.sleep(CALM)
        finally:
            self._waiting.pop(event, None)
