"""The short-term cache for asyncio; see :mod:`holdfast.cache`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from holdfast.cache import Wait, computed, lock_ms, outage_logged
from holdfast.commands import cache as commands
from holdfast.commands.scope import Scope
from holdfast.keys import new_token
from holdfast.ttl import milliseconds

if TYPE_CHECKING:
    from holdfast.operation import AsyncExecutor


class AsyncCache:
    """The cache of an :class:`~holdfast.AsyncSessionStore`."""

    def __init__(self, executor: AsyncExecutor, scope: Scope) -> None:
        self._executor = executor
        self._scope = scope

    async def put(self, name: str, value: bytes, *, ttl_seconds: float) -> None:
        """Store an entry for ``ttl_seconds`` (above 0, at most 30 days)."""
        await self._executor.run(commands.put(self._scope, name, value, ttl_seconds=ttl_seconds))

    async def get(self, name: str) -> bytes | None:
        """An entry, or None."""
        return await self._executor.run(commands.get(self._scope, name))

    async def delete(self, name: str) -> bool:
        """Delete an entry; false where there was none."""
        return await self._executor.run(commands.delete(self._scope, name))

    async def get_or_compute(
        self,
        name: str,
        compute: Callable[[], Awaitable[bytes]],
        *,
        ttl_seconds: float,
        wait_seconds: float = 30.0,
        compute_seconds: float | None = None,
    ) -> bytes:
        """As :meth:`holdfast.cache.Cache.get_or_compute`; ``compute`` is a coroutine function."""
        ttl_ms = milliseconds("ttl_seconds", ttl_seconds)
        compute_ms = lock_ms(wait_seconds, compute_seconds)
        wait = Wait(name, wait_seconds)
        token = new_token()
        while True:
            claim = await self._executor.run(
                commands.claim(self._scope, name, token, compute_ms=compute_ms)
            )
            if claim.value is not None:
                return claim.value
            if claim.compute:
                break
            await asyncio.sleep(wait.next_pause(claim.remaining_ms))
        try:
            value = computed(await compute())
        except BaseException:
            with outage_logged(name, "stays reserved for a while"):
                await self._executor.run(commands.abandon(self._scope, name, token))
            raise
        with outage_logged(name, "was computed but not stored"):
            await self._executor.run(commands.fill(self._scope, name, token, value, ttl_ms=ttl_ms))
        return value
