# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several shelves in one task, and what it sends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Optional

import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import Approval
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import Target
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Asked, Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.fleet import (
    FleetOptions,
    Review,
    reconcile,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Kind
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import Service, ShelfKind
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

UNDO = Group(on_failure="undo")


class Shelves:
    """Several shelves, and what is sent to them in the order in which it is sent."""

    def __init__(
        self, *services: Service, wanted: str = "a", service: str = "toy", kind: type[ShelfKind] = ShelfKind
    ) -> None:
        self.sent: list[str] = []
        self.kinds: list[ShelfKind] = []
        self.others: list[Kind[Any]] = []
        for number, each in enumerate(services, 1):
            target = Target(name=f"s{number}", id=f"s{number}", canonical=f"s{number}", provider="toy", service=service)
            each.before_write = self._heard(f"s{number}", each.before_write)
            self.kinds.append(kind(each, wanted, target=target))

    def _heard(self, name: str, then: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
        async def heard(change: str) -> None:
            self.sent.append(f"{name}{change}")
            await then(change)

        return heard

    def run(
        self,
        group: Optional[Group] = UNDO,
        *,
        seconds: float = 600.0,
        check: bool = False,
        approval: Optional[Approval] = None,
        strike: Optional[Callable[[Interruption], Any]] = None,
        on_error: Literal["continue", "stop"] = "continue",
        at_once: Asked = 1,
        show: Optional[Callable[[Member], Any]] = None,
        review: Optional[Review] = None,
    ) -> list[Member]:
        """The whole way of all of them."""

        async def main() -> list[Member]:
            policy = WaitPolicy(Deadline(seconds), True, poll_interval=5.0, settle_time=20.0)
            interruption = Interruption()
            levels = Levels(at_once)
            options = FleetOptions(policy, approval, levels, on_error, check, interruption, group, show, review)
            if strike is not None:
                strike(interruption)
            return await reconcile([*self.kinds, *self.others], options)

        return virtual(main)


def states(members: list[Member]) -> list[str]:
    """What became of each."""
    return [member.state for member in members]


def error_of(member: Member) -> CheckpointError:
    """The error of one that has one."""
    assert member.error is not None
    return member.error


def struck(when: str, interruptions: list[Interruption]) -> Callable[[str], Awaitable[None]]:
    """A signal comes while that change is being sent."""

    async def strike(change: str) -> None:
        if change == when:
            interruptions[0].signal = "SIGTERM"
            interruptions[0]._scopes[-1].cancel()
            await trio.sleep(1)

    return strike
