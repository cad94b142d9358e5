# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of a write whose answer was lost."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .._core.model import ObservedVm
from .._core.operation import Operation, Status
from .._engine.execution import Execution
from .._providers.base import Provider

Find = t.Callable[[Execution[ObservedVm]], t.Awaitable[t.Optional[Operation]]]


def started_since(provider: Provider, before: ObservedVm, work: str) -> Find:
    """Looks for an operation of that verb that is running, or began after `before`, the last reading before the write.

    An operation that the VM showed by then is an older one, whatever its clock says. Of another one that is not listed
    yet nobody knows the verb: it may be ours, so it is waited for.
    """

    async def find(execution: Execution[ObservedVm]) -> Operation | None:
        found = await provider.current_operation(before.vm)
        if found is None or found.work not in (work, None) or execution.is_own(found):
            return None
        if before.last_operation is not None and found.id == before.last_operation.lower():
            return None
        if found.work is None:
            return _only(work, found)
        if found.last.state == "running":
            return found
        if before.last_operation is not None:
            return found
        # The Date header counts whole seconds.
        return found if found.began is not None and found.began >= before.now - timedelta(seconds=1) else None

    return find


def _only(work: str, operation: Operation) -> Operation:
    """The same as long as it may be of that verb: what becomes of other work proves nothing."""
    look = operation.poll

    async def poll() -> Status:
        status = await look()
        return status if operation.work in (work, None) else Status("unknown", "other work")

    operation.poll = poll
    return operation
