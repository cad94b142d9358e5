# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of a guarded change: no change without a way back, and the guest is as its outcome says."""

from __future__ import annotations

import math

from tests.simulation.change_generator import CHANGE
from tests.simulation.record import Step, Work
from tests.simulation.run_invariants import Judge

BEFORE, AFTER = {"/app": "1"}, {"/app": "2"}


def judge_changes(judge: Judge) -> None:
    """Every change by itself."""
    for task in judge.script.tasks:
        if task.module != CHANGE:
            continue
        steps = [each for each in judge.record.steps if each.task.number == task.number]
        for step in steps:
            _guest(judge, step)
        _one_checkpoint(judge, steps)
        _ends(judge, steps)


def _guest(judge: Judge, step: Step) -> None:
    text = f"{step.task.label}: {step.what} at {step.at:.0f}, the guest has {step.files}"
    if step.what == "begins":
        # One that is continued goes back to before its first run.
        saved = step.saved in (step.files, BEFORE)
        judge.hold("no change begins without a way back", saved, f"{text}, its checkpoint {step.saved}")
    if step.what == "restored":
        text = f"{text}, its checkpoint {step.saved}"
        judge.hold("what is said to be restored is", step.files == step.saved, text)
        judge.hold("a change that fails is undone", not step.task.options["fails"] or step.files == BEFORE, text)
    if step.what == "changed":
        judge.hold("what is said to be changed is", step.files == AFTER, text)


def _end(work: Work) -> float:
    """When the service has done it; what it never ends is never shown."""
    return math.inf if work.job.finished is None else float(work.job.finished)


def _one_checkpoint(judge: Judge, steps: list[Step]) -> None:
    """A run that finds the checkpoint of its change makes no other one of it."""
    task = steps[0].task
    made = [w for w in judge.record.works("create", task.vms[0]) if not w.failed]
    names = [w for w in made if w.name.lower().startswith(task.options["name"].lower())]
    removed = {id(w.point) for kind in ("delete", "point_delete") for w in judge.record.works(kind, task.vms[0])}
    stale = judge.record.world.switches.arc_stale_seconds
    looked = [(w.run.start if w.run else w.at) - stale for w in names]
    # Arc lists no checkpoint that it still makes: whoever dies before its end leaves one that the next run cannot see.
    unseen = {id(w.point) for w in names if task.service == "scvmm" and any(w.at < at < _end(w) for at in looked)}
    standing = [w.name for w in names if id(w.point) not in removed | unseen]
    text = f"{task.label} has made {standing}"
    judge.hold("a change has one checkpoint", len(standing) <= 1, text)


def _ends(judge: Judge, steps: list[Step]) -> None:
    """Once all is quiet, a run that goes back ends in one of two states, unless there is neither a change nor a way."""
    last = steps[-1]
    if last.what in ("restore_failed", "left") and not any(each.what == "begins" for each in steps):
        return  # its checkpoint had failed, or several had, so that nothing has begun
    creates = judge.record.works("create", last.task.vms[0])
    rows = [w for w in creates if w.name.lower().startswith(last.task.options["name"].lower())]
    if last.what == "left" and len(rows) > 1 and judge.record.world.switches.failed_create_row == "left":
        return  # nothing shows which of the rows is that of a failed create
    text = f"{last.task.label} ended in {[each.what for each in steps]}, with {last.files}"
    judge.hold("a change ends", last.what in ("restored", "changed"), text)
