# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task returns: one shape for one target, a list of it for many, the same for every kind of thing."""

from __future__ import annotations

import typing as t
from collections import Counter

from .._core.errors import CheckpointError, PlanChanged, SomeFailed
from .._core.plan import in_stages, to_result
from .._engine.member import Member
from .._engine.reconciler import Reconciler

if t.TYPE_CHECKING:
    from .group_result import GroupView

IN_WORDS = {
    "changed": "changed",
    "undone": "undone",
    "unchanged": "unchanged",
    "stopped": "stopped",
    "not_started": "not started",
    "failed": "failed",
    "outcome_unknown": "of unknown outcome",
}
"""The states of a target, as a summary counts them."""


class View(t.Protocol):
    """How a kind's targets are shown."""

    def keys(self, run: Reconciler[t.Any], *, check_only: bool) -> dict[str, t.Any]:
        """The keys that only this kind has; in check mode what would be."""

    def diff(self, run: Reconciler[t.Any], *, check_only: bool) -> dict[str, str] | None:
        """Ansible's diff: what would change in check mode; else what has, which on a failure is less than the plan."""


class ListedView(View, t.Protocol):
    """How they are shown where a task is about several."""

    def name(self, run: Reconciler[t.Any]) -> dict[str, t.Any]:
        """How an element of the list names its target."""


def one(member: Member, view: View, total: float, *, check_only: bool) -> dict[str, t.Any]:
    """The result of a task for a single target; on failure with `error` beside what had already been done."""
    run = member.reconciler
    result: dict[str, t.Any] = {
        "changed": _changed(run, check_only),
        "plan": to_result([run.plan]),
        **_shared(run, view, check_only),
        "warnings": list(run.warnings),
    }
    result["timing"]["total"] = total
    if (diff := view.diff(run, check_only=check_only)) is not None:
        result["diff"] = diff
    if member.error is not None:
        result |= {"error": member.error.to_result(), "msg": str(member.error)}
    return result


class Shown(t.NamedTuple):
    """What the result for a list of targets holds of one."""

    element: dict[str, t.Any]
    diff: dict[str, str] | None


def show(view: ListedView, check_only: bool, member: Member) -> Shown:
    """What is known of a target now."""
    return Shown(_element(member, view, check_only), view.diff(member.reconciler, check_only=check_only))


def many(
    members: t.Sequence[Member], view: ListedView, *, check_only: bool, group: GroupView | None = None
) -> dict[str, t.Any]:
    """The result of a task for a list of targets, in input order, with one plan for all."""
    runs = [member.reconciler for member in members]
    plans = [run.plan for run in runs]
    shown: list[Shown] = [member.shown or show(view, check_only, member) for member in members]
    result: dict[str, t.Any] = {
        "changed": any(_changed(run, check_only) for run in runs),
        "plan": to_result(plans) if group is None else to_result(in_stages(plans), group.group.to_result()),
        "vms": [
            each.element | {"status": _status(member, check_only)} | (group.of_member(member) if group else {})
            for each, member in zip(shown, members, strict=True)
        ],
        "diff": [each.diff for each in shown if each.diff is not None],
        "warnings": [text for run in runs for text in run.warnings],
    }
    if group is not None:
        result["group"] = group.keys(members, check_only=check_only)
    summary = _summary([each["status"] for each in result["vms"]], check_only)
    failed = [member.error for member in members if member.error is not None]
    if failed:
        problem = SomeFailed(
            f"{len(failed)} of {len(members)} VMs failed; the first: {failed[0]}",
            remedy="Each VM's own error is in vms.",
        )
        if group is not None and not check_only:
            problem.notes.append(group.note(members))
        else:
            problem.notes.append(f"In all: {summary}.")
        result |= {"error": problem.to_result(), "msg": str(problem)}
    elif members:
        result["msg"] = f"{len(members)} VM{'' if len(members) == 1 else 's'}: {summary}."
    return result


def failure(problem: CheckpointError) -> dict[str, t.Any]:
    """The result of a task that ended before any target was touched."""
    result: dict[str, t.Any] = {"changed": False, "error": problem.to_result(), "msg": str(problem)}
    if isinstance(problem, PlanChanged) and problem.plan is not None:
        result["plan"] = problem.plan
    return result


def _summary(states: t.Sequence[str], check_only: bool) -> str:
    """How many targets ended in each state; in check mode those that would change."""
    words = IN_WORDS | ({"changed": "to change"} if check_only else {})
    counts = Counter(states)
    return ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts[state])


def _element(member: Member, view: ListedView, check_only: bool) -> dict[str, t.Any]:
    run = member.reconciler
    return {
        **view.name(run),
        "plan": to_result([run.plan]),
        **_shared(run, view, check_only),
        "error": None if member.error is None else member.error.to_result(),
    }


def _status(member: Member, check_only: bool) -> str:
    if check_only and member.state == "not_started":
        return "changed" if _changed(member.reconciler, check_only) else "unchanged"
    return member.state


def _shared(run: Reconciler[t.Any], view: View, check_only: bool) -> dict[str, t.Any]:
    """The keys that one target's result and each element of a list share."""
    shared = {
        **view.keys(run, check_only=check_only),
        "operation": run.operation.to_result() if run.operation else None,
        "timing": {name: round(seconds, 2) for name, seconds in run.timing.items()},
    }
    if run.plan.drift:
        shared["drift"] = list(run.plan.drift)
    return shared


def _changed(run: Reconciler[t.Any], check_only: bool) -> bool:
    return bool(run.plan.writes) if check_only else run.changed
