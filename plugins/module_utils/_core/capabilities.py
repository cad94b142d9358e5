# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service lets us promise, and how it restores where that takes several steps."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .model import Checkpoint, ObservedVm


@dataclass(frozen=True)
class Capabilities:
    """What a service lets us promise, as data: the core asks these and never which service it is.

    `why` says in a user's words what the README's table shows for each promise, `restores` what a restore brings back.
    `safety_name` is what a safety checkpoint is called; where names are unique it gets a time and a nonce behind it, as
    every generated name does, so that a series' own name must leave room (`longest_series`). With `pins_apart` a pin is
    a write of its own, and can be enforced by a lock; else it is part of the mark. `at_once` is how many VMs are
    written to at once where no bound is asked for: at the beginning, and at most.
    """

    provider: str
    title: str
    names_unique: bool
    can_update_description: bool
    operations_findable: bool
    restore_in_place: bool
    power: bool
    max_points: int
    at_once: tuple[int, int]
    why: t.Mapping[str, str]
    restores: str = ""
    has_description: bool = True
    safety_name: str = "safety before restore to {name}"
    name_pattern: str = r".{1,255}"
    name_rule: str = "1 to 255 characters"
    longest_series: int = 255
    id_pattern: str = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    id_rule: str = "a GUID with hyphens, without braces"
    pins_apart: bool = False
    restore_steps: StagedRestorePlanner | None = None


class StagedRestorePlanner(t.Protocol):
    """A restore that takes several steps: which, from what was read. Pure.

    `spec` is the RestoreRequest, `target` picks the checkpoint (it raises where none is meant), `power_before` is the
    power state the task began with, `under_way` the run that it has begun already, if it plans again.
    """

    def __call__(
        self,
        spec: t.Any,
        actual: ObservedVm,
        target: t.Callable[[], Checkpoint],
        power_before: str,
        under_way: str | None,
    ) -> RestorePlan: ...


@dataclass(frozen=True)
class RestorePlan:
    """The steps of a restore. `resumed`: an earlier run has begun it; `done`: one has ended it, and why we know."""

    target: Checkpoint | None
    steps: tuple[t.Any, ...]
    resumed: bool = False
    done: str = ""
    warnings: tuple[str, ...] = ()
