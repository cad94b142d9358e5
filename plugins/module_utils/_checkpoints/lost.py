# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of a write whose answer was lost."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from .._core.model import VM, ObservedVm
from .._core.operation import Operation
from .._engine.execution import Execution
from .._providers.base import Provider

Find = t.Callable[[Execution[ObservedVm]], t.Awaitable[t.Optional[Operation]]]


def started_since(provider: Provider, vm: VM, since: datetime, work: str) -> Find:
    """Looks for an operation of that verb that is running, or began after the last reading before the write."""

    async def find(execution: Execution[ObservedVm]) -> Operation | None:
        found = await provider.current_operation(vm)
        if found is None or found.work != work or execution.is_own(found):
            return None
        if found.last.state == "running":
            return found
        # The Date header, and so `since`, counts whole seconds.
        return found if found.began is not None and found.began >= since - timedelta(seconds=1) else None

    return find
