# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens in one simulated world, as data: made from a seed, played by the player, taken apart by the shrinker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SERVICES = ("spf", "scvmm", "compute")


@dataclass(frozen=True)
class Kill:
    """A controller's end: at its request of that number, before it leaves (`sent`) or when it is answered (`heard`)."""

    request: int
    when: str


@dataclass(frozen=True)
class Signal:
    """A signal that reaches a controller at its request of that number, as it leaves or is answered; see `Kill`."""

    request: int
    when: str
    name: str


@dataclass(frozen=True)
class Task:
    """One user's task. Those killed or ended by a signal are begun again `again` seconds later, unless nobody does.

    `approval`: the task is run in check mode first, and then with that plan (`plan`) or its `digest` as expected_plan.
    """

    number: int
    start: float
    module: str
    service: str
    vms: tuple[str, ...]
    options: dict[str, Any]
    check: bool = False
    kill: Kill | None = None
    again: float | None = None
    signal: Signal | None = None
    approval: str | None = None

    @property
    def label(self) -> str:
        """How traces call it."""
        return f"task{self.number}"


@dataclass(frozen=True)
class Trouble:
    """A fault for `count` requests of one task, the `nth` of its `which` being the first.

    `which`: any, write, read, poll, or those `behind1`, `behind2`, ... its first, second, ... write. `fault` is what
    the simulator's Fault takes; these kinds are the player's own: `expire` (all tokens end), `job` (the next job of
    that kind ends badly), `lock` and `refusal` (in the service's own words), `stranger` (a 404 somebody else wrote).
    """

    task: int
    which: str
    nth: int
    count: int
    fault: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Something from outside at a moment: `refresher` holds the VM, `outside` makes a checkpoint on its host.

    `appears`: somebody makes a checkpoint while a write of that `task` is locked out.
    """

    at: float
    kind: str
    service: str
    vm: str
    argument: Any = None
    task: int | None = None


@dataclass(frozen=True)
class Script:
    """One seed's story."""

    seed: int
    switches: dict[str, Any]
    document: dict[str, Any]
    tasks: tuple[Task, ...]
    troubles: tuple[Trouble, ...] = ()
    events: tuple[Event, ...] = ()
    skew: float = 0.0
    jumps: tuple[tuple[float, float], ...] = ()
    """Moments at which the controllers' clock is set, and by how many seconds."""
    limit_is_visible: bool = False
    """Whether all that counts towards Azure's hourly limit can be read: nothing goes, and nobody else makes any."""

    def lines(self) -> list[str]:
        """The story for people."""
        rows = [f"switches off their defaults: {self.switches}", f"wall clock wrong by {self.skew:g} s"]
        rows += [f"wall clock set by {seconds:g} s at {at:g} s" for at, seconds in self.jumps]
        for task in self.tasks:
            kill = f" killed at request {task.kill.request} ({task.kill.when})" if task.kill else ""
            if task.signal:
                kill = f" {task.signal.name} at request {task.signal.request} ({task.signal.when})"
            again = f", again after {task.again:g} s" if task.again is not None else ""
            mode = " in check mode" if task.check else f" as approved by its {task.approval}" if task.approval else ""
            rows.append(
                f"{task.label} at {task.start:g} s{mode}: {task.module} {', '.join(task.vms)} "
                f"{task.options}{kill}{again}"
            )
        rows += [f"fault for task{t.task}: {t.which} {t.nth} (+{t.count - 1}): {t.fault}" for t in self.troubles]
        for e in self.events:
            when = f"at {e.at:g} s" if e.task is None else f"when task{e.task} is locked out"
            rows.append(f"{when}: {e.kind} {e.service} {e.vm} {e.argument}")
        return rows
