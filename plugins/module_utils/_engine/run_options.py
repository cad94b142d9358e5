# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how a task goes about it, and what it was allowed to do."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .._core.errors import CheckpointError
from .._core.operation import Deadline
from .._core.plan import Approval
from .._core.spec import Duration, validate_options
from .._deps import anyio, pydantic
from .verification import Pace

Item = t.TypeVar("Item")


class Manner(pydantic.BaseModel):
    """How a task waits, and with many VMs how it treats them."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    wait: bool = True
    wait_timeout: Duration = timedelta(minutes=10)
    poll_interval: Duration = timedelta(seconds=5)
    settle_time: Duration = timedelta(minutes=2)
    concurrency: int = 4
    on_error: t.Literal["continue", "stop"] = "continue"

    @pydantic.model_validator(mode="after")
    def _sane(self) -> t.Self:
        if self.wait_timeout.total_seconds() < 1:
            raise ValueError("wait_timeout must be at least 1s")
        if not 1 <= self.concurrency <= 64:
            raise ValueError("concurrency takes 1 to 64")
        if self.poll_interval.total_seconds() < 0.1:
            raise ValueError("poll_interval must be at least 100ms")
        return self

    def pace(self, deadline: Deadline) -> Pace:
        """The same in seconds, under the task's deadline."""
        return Pace(deadline, self.wait, self.poll_interval.total_seconds(), self.settle_time.total_seconds())


def manner_of(params: t.Mapping[str, t.Any]) -> Manner:
    """From a task's options; those a module does not have keep their defaults."""
    return validate_options(Manner, {name: params.get(name) for name in Manner.model_fields})


def approval_of(params: t.Mapping[str, t.Any]) -> Approval | None:
    """What `expected_plan` approves, if it is given."""
    approved = params.get("expected_plan")
    return None if approved is None else Approval(approved)


async def bounded(items: t.Iterable[Item], do: t.Callable[[Item], t.Awaitable[None]], concurrency: int) -> None:
    """`do` for each item in order, at most `concurrency` at once; the first error ends the rest and is raised alone."""
    todo = iter(list(items))
    failed: list[CheckpointError] = []

    async def worker() -> None:
        for item in todo:
            if failed:
                return
            try:
                await do(item)
            except CheckpointError as error:
                failed.append(error)

    async with anyio.create_task_group() as group:
        for _worker in range(max(1, concurrency)):
            group.start_soon(worker)
    if failed:
        raise failed[0]
