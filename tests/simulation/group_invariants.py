# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every run about a group: stage after stage, in its order, and undone only what it has made."""

from __future__ import annotations

import itertools
from typing import Any

from simulator.vmm.machines import Checkpoint
from tests.simulation.record import Run, Work, ids
from tests.simulation.run_invariants import Judge

GONE = ("delete", "point_delete")
STEPS = ("power", "restore", "vm")
"""What turns a VM off, or brings it back."""


def judge_groups(judge: Judge) -> None:
    """Every run about a group."""
    for run in judge.record.runs:
        if "group" not in run.task.options:
            continue
        creates = _works(judge, run, ("create",))
        _removals(judge, run, creates)
        _order(judge, run, creates)
        if run.task.module == "vm_checkpoint_restore":
            _safety_first(judge, run, creates)
            _order(judge, run, [work for work in _works(judge, run, ("restore",)) if work.point is not None])
        if run.result is not None and not run.task.check and "group" in run.result:
            _whole(judge, run)
            _reported(judge, run, creates)
            _undone(judge, run, creates)


def is_undone(judge: Judge, work: Work) -> bool:
    """Whether a removal takes back what the run of a group that undoes has itself made there."""
    if work.run is None or work.run.task.options.get("group", {}).get("on_failure") != "undo":
        return False
    return any(each.point is work.point for each in judge.record.works("create", work.vm, work.run))


def _works(judge: Judge, run: Run, kinds: tuple[str, ...]) -> list[Work]:
    """What a run has begun of these kinds, in the order of time."""
    found = [work for kind in kinds for work in judge.record.works(kind, None, run) if not work.refused]
    return sorted(found, key=lambda work: work.at)


def _end(run: Run, work: Work) -> float:
    return float(work.job.finished if work.job.finished is not None else max(run.end, work.at))


def _removals(judge: Judge, run: Run, creates: list[Work]) -> None:
    """What the run has not made goes only once all that it makes is there: the group is whole by then."""
    for work in _works(judge, run, GONE):
        text = f"{run.label} removed {work.name} of {work.vm}"
        if is_undone(judge, work):
            continue
        if _has_failed(work):
            continue  # what had failed is in the way of a new one, on Azure
        late = [vm for vm in run.task.vms if _lacks(run, vm, creates, work.at)]
        judge.hold("a group is whole before anything goes", not late, f"{text} while {late} had none yet")
        allowed = bool(run.task.options.get("supersede"))
        judge.hold("a group removes what supersede says, or what it made", allowed, text)


def _lacks(run: Run, vm: str, creates: list[Work], moment: float) -> bool:
    """Whether the run's last plan of a VM says that one is to be made, and by then it has made none."""
    plans = [plan for at, plan in zip(run.planned_at, run.plans, strict=True) if at <= moment]
    of_vm = [plan for plan in plans if any(action.target.name == vm for action in plan.actions)]
    if not of_vm or not any(action.verb == "create" for action in of_vm[-1].writes):
        return False
    return not any(work.vm == vm and _end(run, work) <= moment and not work.failed for work in creates)


def _has_failed(work: Work) -> bool:
    return not isinstance(work.point, Checkpoint) and getattr(work.point, "state", "") in ("Failed", "Deleting")


def _order(judge: Judge, run: Run, works: list[Work]) -> None:
    """One VM after the other, as they are listed, where that was asked for."""
    if run.task.options["group"].get("order") != "given":
        return
    # Where Arc lists what it still makes, and the answer is lost, nothing shows that it goes on.
    switches = judge.record.world.switches
    unseen = switches.arc_lists_running_create and any(each.writes and each.fate is not None for each in run.sent)
    places = [run.task.vms.index(work.vm) for work in works]
    text = f"{run.label}: {[(work.kind, work.vm, round(work.at - run.start, 1)) for work in works]}"
    judge.hold("a group keeps its order", places == sorted(places), text)
    for earlier, later in itertools.pairwise(works):
        if earlier.vm != later.vm:
            judge.hold("a group has one at a time", unseen or _end(run, earlier) <= later.at, text)


def _safety_first(judge: Judge, run: Run, creates: list[Work]) -> None:
    """No VM is turned off, or goes back, before every safety checkpoint is there."""
    steps = _works(judge, run, STEPS)
    if not steps:
        return
    begun = steps[0]
    late = [each.vm for each in creates if _end(run, each) > begun.at or each.failed]
    text = f"{run.label}: {begun.kind} of {begun.vm} while the safety checkpoints of {late} were not there"
    judge.hold("no VM goes back before all are safe", not late, text)


def _whole(judge: Judge, run: Run) -> None:
    """`complete` is the success of all."""
    result: dict[str, Any] = run.result or {}
    errors = [each["vm"] for each in result["vms"] if each["error"]]
    text = f"{run.label}: complete {result['group']['complete']}, {run.code}, errors of {errors}"
    judge.hold("complete is the success of all", result["group"]["complete"] == (run.well and not errors), text)


def _standing(judge: Judge, run: Run, work: Work) -> bool:
    """Whether what was made is there as the run ends: made to the end by then, and not removed by anybody."""
    if not work.succeeded or _end(run, work) > run.end:
        return False
    removed = [each for kind in GONE for each in judge.record.works(kind, work.vm)]
    return not any(each.point is work.point and not each.failed and each.at <= run.end for each in removed)


def _reported(judge: Judge, run: Run, creates: list[Work]) -> None:
    """What the run has made, and is there as it ends, is named by its id, or its VM's end is open."""
    group: dict[str, Any] = (run.result or {})["group"]
    shown = {str(each["id"]).lower() for each in group["created"]}
    names = {str(each["name"]).lower() for each in group["created"]}
    unclear = {str(each["vm"]).rsplit("/", 1)[-1] for each in group["unknown"]}
    for work in (each for each in creates if _standing(judge, run, each)):
        known = ids(work.point) & shown or (not isinstance(work.point, Checkpoint) and work.name.lower() in names)
        text = f"{run.label} made {work.name} of {work.vm}; created {group['created']}, unknown {group['unknown']}"
        judge.hold("what a group leaves is named", bool(known) or work.vm in unclear, text)


def _undone(judge: Judge, run: Run, creates: list[Work]) -> None:
    """A VM whose end is `removed` or `not_needed` has nothing of this run's; others say why they have."""
    for vm in run.task.vms:
        state = run.of(vm).get("undo")
        if state not in ("removed", "not_needed"):
            continue
        left = [work.name for work in creates if work.vm == vm and _standing(judge, run, work)]
        # Several readings may settle it only later: then it was said to be open.
        text = f"{run.label} on {vm}: undo is {state}, and {left} stand"
        judge.hold("what was undone has gone", not left, text)
