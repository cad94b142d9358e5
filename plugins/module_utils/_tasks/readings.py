# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task that only reads makes of the things that it could not read; `on_error` decides."""

from __future__ import annotations

import typing as t

from .._core.errors import CheckpointError, SignInRefused, SomeFailed
from .._engine.concurrency import Concurrency, each_at_its_level
from . import result

OnError = t.Literal["continue", "stop", "report"]
Status = t.Literal["read", "failed", "not_started"]


class Readings:
    """The errors of single things, by their place; each stands beside its thing in the result.

    `stop` ends the reading with the first one. A refused sign-in always ends the task: accounts lock.
    """

    def __init__(self, on_error: OnError) -> None:
        self.errors: dict[int, CheckpointError] = {}
        self._on_error = on_error

    def fail(self, position: int, problem: CheckpointError) -> None:
        """Keep the error of one thing; raise it where it ends the reading."""
        self.errors[position] = problem
        if self._on_error == "stop":
            raise problem

    async def run(self, reading: t.Awaitable[None]) -> None:
        """Read until all is read, or until `stop` ends it."""
        try:
            await reading
        except CheckpointError as problem:
            if not any(each is problem for each in self.errors.values()):
                raise

    async def each(
        self,
        positions: t.Iterable[int],
        read: t.Callable[[int], t.Awaitable[None]],
        level_of: t.Callable[[int], Concurrency],
    ) -> None:
        """`read` each that has not failed yet, at the level of its service."""

        async def one(position: int) -> None:
            try:
                await read(position)
            except SignInRefused:
                raise
            except CheckpointError as problem:
                self.fail(position, problem)

        await each_at_its_level([each for each in positions if each not in self.errors], level_of, one)

    def status(self, position: int, *, is_read: bool) -> Status:
        """What became of one, in the words of the result."""
        return "failed" if position in self.errors else "read" if is_read else "not_started"

    def outcome(self, total: int, things: str, key: str) -> dict[str, t.Any]:
        """The keys that tell of the failures: an error, or with `report` a warning."""
        if not self.errors:
            return {}
        first = self.errors[min(self.errors)]
        unread = f"{len(self.errors)} of {total} {things} could not be read"
        if self._on_error == "report":
            return {"warnings": [f"{unread}; the errors are in {key}. The first: {first}"]}
        several = SomeFailed(f"{unread}; the first: {first}", remedy=f"Each error is in {key}.")
        return result.failure(first if total == 1 else several)
