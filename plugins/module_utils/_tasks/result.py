# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task returns: one shape for one VM, a list of it for many, the same on every service."""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._checkpoints.diff import carried_out, planned
from .._core.errors import CheckpointError, PlanChanged, SomeFailed
from .._core.model import Checkpoint
from .._core.plan import Create, Update, to_result
from .._engine.fleet import Member


def one(member: Member, *, check_only: bool) -> dict[str, t.Any]:
    """The result of a task for a single VM; on failure with `error` beside what had already been done."""
    plan = member.run.plan
    result: dict[str, t.Any] = {
        "changed": _changed(member, check_only),
        "plan": to_result([plan]),
        **_about(member, check_only),
        "warnings": list(member.run.warnings),
    }
    if shown := _diff(member, check_only):
        result["diff"] = shown
    if member.error is not None:
        result["error"] = member.error.to_result()
        result["msg"] = str(member.error)
    return result


def many(members: t.Sequence[Member], *, check_only: bool) -> dict[str, t.Any]:
    """The result of a task for a list of VMs, in input order, with one plan for all."""
    plans = [member.run.plan for member in members]
    result: dict[str, t.Any] = {
        "changed": any(_changed(member, check_only) for member in members),
        "plan": to_result(plans),
        "vms": [_member(member, check_only) for member in members],
        "diff": [shown for member in members if (shown := _diff(member, check_only))],
        "warnings": [text for member in members for text in member.run.warnings],
    }
    failed = [member for member in members if member.error is not None]
    if failed:
        first = failed[0].error
        problem = SomeFailed(
            f"{len(failed)} of {len(members)} VMs failed; the first: {first}",
            remedy="Each VM's own error is in vms.",
        )
        result["error"] = problem.to_result()
        result["msg"] = str(problem)
    return result


def failure(problem: CheckpointError) -> dict[str, t.Any]:
    """The result of a task that ended before any VM was touched."""
    result: dict[str, t.Any] = {"changed": False, "error": problem.to_result(), "msg": str(problem)}
    if isinstance(problem, PlanChanged) and problem.plan is not None:
        result["plan"] = problem.plan
    return result


def _member(member: Member, check_only: bool) -> dict[str, t.Any]:
    plan = member.run.plan
    state = member.state
    if check_only and state == "not_started":
        state = "changed" if _changed(member, check_only) else "unchanged"
    return {
        "vm": member.run.vm.reference,
        "vm_id": member.run.vm.id,
        "provider": member.run.vm.provider,
        "status": state,
        "plan": to_result([plan]),
        **_about(member, check_only),
        "error": None if member.error is None else member.error.to_result(),
    }


def _about(member: Member, check_only: bool) -> dict[str, t.Any]:
    """The keys that one VM's result and each element of `vms` share."""
    run = member.run
    now = run.actual.now if run.actual else None
    about: dict[str, t.Any] = {
        "checkpoint": _checkpoint(member, now, check_only),
        "operation": run.operation.to_result() if run.operation else None,
        "timing": {name: round(seconds, 2) for name, seconds in run.timing.items()},
    }
    if run.duplicates and now:
        about["duplicates"] = [checkpoint.to_result(now) for checkpoint in run.duplicates]
    if run.plan.drift:
        about["drift"] = list(run.plan.drift)
    return about


def _changed(member: Member, check_only: bool) -> bool:
    if check_only:
        return bool(member.run.plan.writes)
    return member.run.changed


def _checkpoint(member: Member, now: datetime | None, check_only: bool) -> dict[str, t.Any] | None:
    """The checkpoint the task ended on; in check mode a new one with null for what nobody knows yet."""
    found = member.run.checkpoint
    plan = member.run.plan
    if found is not None and now is not None:
        told = next(
            (a.description for a in plan.actions if isinstance(a, Update) and a.checkpoint.id == found.id), None
        )
        # Outside check mode what was read last is the truth, also where a task failed before its update.
        return found.to_result(now) | ({"description": told} if check_only and told is not None else {})
    if check_only and now is not None:
        return next((_expected(action, member, now) for action in plan.actions if isinstance(action, Create)), None)
    return None


def _expected(action: Create, member: Member, now: datetime) -> dict[str, t.Any]:
    shape = Checkpoint(id="", name=action.name, description=action.description or "").to_result(now)
    unknown = dict.fromkeys(("id", "host_id", "created", "parent_id", "depth", "current", "mark", "age_seconds"))
    return {**shape, **unknown, "usable": None, "managed": member.run.actual is None or member.run.actual.managed_new}


def _diff(member: Member, check_only: bool) -> dict[str, str] | None:
    """What would change in check mode; else what has, which on a failure is less than the plan."""
    run = member.run
    if run.before is None or run.actual is None:
        return None
    return planned(run.before, run.plan) if check_only else carried_out(run.before, run.actual, run.done)
