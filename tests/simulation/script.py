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
class Task:
    """One user's task. Those killed are begun again `again` seconds later, unless nobody does."""

    number: int
    start: float
    module: str
    service: str
    vms: tuple[str, ...]
    options: dict[str, Any]
    check: bool = False
    kill: Kill | None = None
    again: float | None = None

    @property
    def label(self) -> str:
        """How traces call it."""
        return f"task{self.number}"


@dataclass(frozen=True)
class Trouble:
    """A fault for `count` requests of one task, the `nth` of its `which` (any, write, read, poll) being the first.

    `fault` is what the simulator's Fault takes; the kinds `expire` (all tokens end) and `job` (the next job of that
    kind ends badly) are the player's own.
    """

    task: int
    which: str
    nth: int
    count: int
    fault: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Something from outside at a moment: `refresher` holds the VM, `outside` makes a checkpoint, `write` a file."""

    at: float
    kind: str
    service: str
    vm: str
    argument: Any = None


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

    def lines(self) -> list[str]:
        """The story for people."""
        told = [f"switches off their defaults: {self.switches}", f"wall clock wrong by {self.skew:g} s"]
        told += [f"wall clock set by {seconds:g} s at {at:g} s" for at, seconds in self.jumps]
        for task in self.tasks:
            kill = f" killed at request {task.kill.request} ({task.kill.when})" if task.kill else ""
            again = f", again after {task.again:g} s" if task.again is not None else ""
            mode = " in check mode" if task.check else ""
            told.append(
                f"{task.label} at {task.start:g} s{mode}: {task.module} {', '.join(task.vms)} "
                f"{task.options}{kill}{again}"
            )
        told += [f"fault for task{t.task}: {t.which} {t.nth} (+{t.count - 1}): {t.fault}" for t in self.troubles]
        told += [f"at {e.at:g} s: {e.kind} {e.service} {e.vm} {e.argument}" for e in self.events]
        return told
