# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what will be done, in which order, and why. Each kind of thing brings its own actions."""

from __future__ import annotations

import hashlib
import json
import typing as t
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

from .errors import CheckpointError, Obstructed
from .formatting import format_value
from .model import Checkpoint, ObservedVm, Obstacle
from .targets import Target

VERSION = 1


@dataclass(frozen=True)
class Action:
    """One action. `verb` names it in plans; `reason` names the option or rule that asks for it."""

    verb: t.ClassVar[str] = ""
    writes: t.ClassVar[bool] = True
    once: t.ClassVar[bool] = False
    """Read before it is sent, and left alone where it is done already, however often it is asked for."""
    relies: t.ClassVar[bool] = True
    """Whether it may only be done once what the actions before it have made can be used."""

    target: Target
    reason: str

    def details(self) -> dict[str, t.Any]:
        """What the action is about, as results show it: an existing id, a requested name, the fields that change."""
        raise NotImplementedError

    def covered(self) -> dict[str, t.Any]:
        """What of that an approval covers: ids and what the user set, but no names that may change meanwhile."""
        return self.details()

    def title(self) -> str:
        """The action in the few words of an error: `delete nightly-2026-10-31 of web03`."""
        raise NotImplementedError

    @property
    def kinds(self) -> tuple[str, ...]:
        """The verbs it stands for, as locks and other obstacles see it: alone, and with the thing they are about."""
        return (self.verb,)

    @cached_property
    def id(self) -> str:
        """A hash of what an approval covers: target, service root, verb, and covered()."""
        about = {"action": self.verb, "target_id": self.target.canonical, "service": self.target.service}
        return hashlib.sha256(_canonical(about | self.covered()).encode()).hexdigest()[:32]

    def to_result(self) -> dict[str, t.Any]:
        """The action as it stands in `plan.actions`; one object, however often a result holds it."""
        return self._shown

    @cached_property
    def _shown(self) -> dict[str, t.Any]:
        return {
            "id": self.id,
            "action": self.verb,
            **self.target.to_result(),
            "provider": self.target.provider,
            "service": self.target.service,
            **self.details(),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Step(Action, ABC):
    """One part of something that takes several writes, such as a restore in place; its provider sends it.

    Each step is a class of its own: it knows what proves it, and how it is undone. It is done once, however often it is
    asked for.
    """

    verb = "step"
    once = True

    @property
    @abstractmethod
    def summary(self) -> str:
        """What it does, in a few words: `swap its disks`."""

    @property
    @abstractmethod
    def activity(self) -> str:
        """The same as errors say it: `swapping its disks`."""

    @abstractmethod
    def about(self) -> dict[str, t.Any]:
        """What it does it to, as results show it."""

    @abstractmethod
    def is_done(self, observed: ObservedVm) -> bool:
        """Whether what was read shows the step as done."""

    @property
    def restore_run_id(self) -> str:
        """What the restore that it belongs to is called; empty for a step of nothing larger."""
        return ""

    def compensation(self, before: ObservedVm) -> tuple[Step, ...]:
        """What puts things back after the step has failed; `before` is the VM as the run found it."""
        return ()

    def describe_state(self, before: ObservedVm, now: ObservedVm) -> str:
        """Where a restore that has failed at this step left the VM; empty where that is where it was before."""
        return ""

    def details(self) -> dict[str, t.Any]:
        return {"step": self.summary, "about": self.about()}

    def title(self) -> str:
        return f"step {self.summary} of {self.target.name}"


@dataclass(frozen=True)
class Plan:
    """The ordered actions for one target. `satisfied_by` is the checkpoint that the task ends on, if it exists.

    `shortfall` is the error of a run that has carried them out all the same: what the task asks for and they leave.
    """

    target: Target
    actions: tuple[Action, ...] = ()
    warnings: tuple[str, ...] = ()
    drift: tuple[dict[str, t.Any], ...] = ()
    satisfied_by: Checkpoint | None = None
    shortfall: CheckpointError | None = None

    @property
    def writes(self) -> tuple[Action, ...]:
        """The actions that change something."""
        return tuple(action for action in self.actions if action.writes)

    def halves(self) -> tuple[Plan, Plan]:
        """What ends with the last create, and what comes after it: the two stages of a group."""
        creates = [position for position, action in enumerate(self.actions) if action.verb == "create"]
        end = creates[-1] + 1 if creates else 0
        return replace(self, actions=self.actions[:end]), replace(self, actions=self.actions[end:])


def refuse_obstructed(actions: t.Iterable[Action], obstacles: t.Iterable[Obstacle]) -> None:
    """Obstructed, before anything is sent, where the service would refuse one of the actions."""
    kinds = {kind for action in actions for kind in action.kinds}
    for obstacle in obstacles:
        if not kinds.isdisjoint(obstacle.verbs) and obstacle.lifted_by not in kinds:
            raise Obstructed(obstacle.why, remedy=obstacle.remedy, changed_nothing=True)


Terms: t.TypeAlias = "t.Mapping[str, str]"
"""What a group is to do (`Group.to_result()`)."""


def in_stages(plans: t.Sequence[Plan]) -> list[Plan]:
    """The plans in the order in which a group carries them out: the first halves of all, then the second ones."""
    halves = [plan.halves() for plan in plans]
    return [first for first, _second in halves] + [second for _first, second in halves]


def digest(plans: t.Sequence[Plan], group: Terms | None = None) -> str:
    """One name for what would be changed: equal for equal plans, whoever reads them and whenever."""
    return digest_of([action.id for plan in plans for action in plan.writes], group)


def digest_of(ids: t.Sequence[str], group: Terms | None) -> str:
    """The same from the ids of the actions that change something."""
    agreed = [] if group is None else [_canonical(dict(group))]
    return "sha256:" + hashlib.sha256("\n".join([*ids, *agreed]).encode()).hexdigest()


def to_result(plans: t.Sequence[Plan], group: Terms | None = None) -> dict[str, t.Any]:
    """The `plan` key of results: versioned JSON that can be stored, shown and given back as `expected_plan`."""
    actions = [action.to_result() for plan in plans for action in plan.actions]
    of_group = {} if group is None else {"group": dict(group)}
    hashes = {"digest": digest(plans, group), "checksum": checksum(actions, group)}
    return {"version": VERSION, **hashes, **of_group, "actions": actions}


def checksum(actions: object, group: object = None) -> str:
    """What shows that a stored plan still says what it said: its readable part is not covered by the digest."""
    covered = actions if group is None else {"actions": actions, "group": group}
    return "sha256:" + hashlib.sha256(_canonical(covered).encode()).hexdigest()


def in_parentheses(fields: t.Mapping[str, t.Any]) -> str:
    """The fields that the user set, for two actions that differ in nothing else."""
    return f" {format_value([dict(sorted(fields.items()))])}" if fields else ""


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
