# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of Azure Compute after all runs together."""

from __future__ import annotations

import itertools
from collections import Counter

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.disk_steps import (
    DeleteDisk,
)
from simulator.azure.model import Point
from tests.simulation.group_invariants import is_undone
from tests.simulation.policy_generator import POLICY
from tests.simulation.record import Run, Work
from tests.simulation.resource_invariants import has_failed, meant_here, planned_to_go
from tests.simulation.run_invariants import Judge


def judge_azure(judge: Judge) -> None:
    """Exactly one point for one spec, nothing lost, and every restore once."""
    for vm in judge.record.azure_points():
        _exactly_one(judge, vm)
        _points(judge, vm)
        _disks(judge, vm)
        _restores(judge, vm)
        _results(judge, vm)


def _deletes(judge: Judge, vm: str) -> list[Work]:
    return [work for work in judge.record.works("point_delete", vm) if not work.failed]


def _exactly_one(judge: Judge, vm: str) -> None:
    """Of one name there is never more than one point in a collection, and none is made anew over another.

    A service that makes a point anew when two controllers PUT it at once leaves one, too: the later.
    """
    anew = judge.record.world.switches.compute_reput == "201"
    standing: dict[tuple[str, str], set[int]] = {}
    story = [work for work in judge.record.works("create", vm) if work.succeeded] + _deletes(judge, vm)
    story += [work for work in judge.record.works("collection_delete", vm) if work.succeeded]
    for work in sorted(story, key=lambda each: each.job.finished or each.at):
        if work.kind == "collection_delete":
            for place in [each for each in standing if each[0] == work.home]:
                standing.pop(place)
            continue
        same = standing.setdefault((work.home, work.name.lower()), set())
        if work.kind == "create":
            same.add(id(work.point))
        else:
            same.discard(id(work.point))
        text = f"{work.run.label if work.run else 'somebody'}: {work.home}/{work.name} of {vm}: {len(same)}"
        judge.hold("exactly one point of a name", anew or len(same) <= 1, text)
    names = Counter(_place(judge, point) for point in judge.record.azure_points()[vm])
    judge.hold("exactly one point of a name", all(count == 1 for count in names.values()), f"{vm}: {names}")


def _place(judge: Judge, point: Point) -> tuple[str, str]:
    return judge.record.homes[id(point)], point.name.lower()


def _points(judge: Judge, vm: str) -> None:
    """Whatever point was there is there, or a plan said that it goes and its spec allowed that."""
    now = {id(point) for point in judge.record.azure_points()[vm]}
    ever = list(judge.record.planted_points[vm])
    ever += [work.point for work in judge.record.works("create", vm) if isinstance(work.point, Point)]
    along = {id(point) for work in judge.record.works("collection_delete", vm) for point in work.inside}
    for point in ever:
        removed = point.state == "Failed" or any(work.point is point for work in _deletes(judge, vm))
        anew = judge.record.world.switches.compute_reput == "201" and any(
            _place(judge, other) == _place(judge, point) for other in ever if other is not point
        )
        kept = id(point) in now or removed or anew or id(point) in along
        judge.hold("nothing is lost", kept, f"{vm}: {'/'.join(_place(judge, point))}")
    for work in _deletes(judge, vm):
        if work.run is None or is_undone(judge, work):
            continue
        text = f"{work.run.label} deleted {work.home}/{work.name} of {vm}"
        judge.hold("what is deleted was planned", (work.home, work.name.lower()) in planned_to_go(work.run), text)
        judge.hold("what is deleted was meant", _meant(judge, work.run, work), text)
        judge.hold("what was made anew is not deleted for what was there", not _seen_anew(judge, work), text)


def _seen_anew(judge: Judge, work: Work) -> bool:
    """Whether a DELETE met a point that is younger than the plan, though a reading before the DELETE has shown it."""
    made = next((each for each in judge.record.works("create", work.vm) if each.point is work.point), None)
    if made is None or work.run is None or work.sent is None:
        return False
    sent, home = work.sent.at, f"/{work.home}"
    reads = [each.at for each in work.run.sent if each.method == "GET" and home in each.target.lower()]
    read = max((moment for moment in reads if moment < sent), default=0.0)
    planned = max((moment for moment in work.run.planned_at if moment <= sent), default=0.0)
    return planned < made.at < read


def _meant(judge: Judge, run: Run, work: Work) -> bool:
    """Absent names it, or it failed and its name is needed, or it is an older one of the series that is ours."""
    options, name = run.task.options, str(run.task.options.get("name")).lower()
    failed = isinstance(work.point, Point) and has_failed(judge, work.point)
    if run.task.module == POLICY:
        return True  # judge_policies() says what may go
    if "checkpoint_id" in options:
        return options.get("state") == "absent" and options["checkpoint_id"].lower().endswith(f"/{work.name.lower()}")
    if run.task.module == "restore_point":
        return meant_here(run, work, failed)
    if work.home != f"checkpoints-{work.vm}":
        return False
    homes = judge.script.document["compute"]["collections"]
    tagged = any(each["name"] == work.home and "hybridvm-checkpoints" in each.get("tags", {}) for each in homes)
    ours = tagged or all(work.point is not point for point in judge.record.planted_points[work.vm])
    series = work.name.lower() == name or work.name.lower().startswith(f"{name}-")
    if options.get("state") == "absent":
        return series
    return series and (failed or (bool(options.get("supersede")) and ours))


def _disks(judge: Judge, vm: str) -> None:
    """The VM has all its disks, and no disk has gone that nobody named."""
    azure = judge.record.world.azure
    machine = azure.named(vm)
    held = [each.disk.lower() for each in machine.attachments()]
    quiet = all(run.well or run.phase == "story" for run in judge.record.runs if vm in run.task.vms)
    if quiet and any(run.phase != "story" for run in judge.record.runs if vm in run.task.vms):
        luns = {each.lun for each in machine.attachments()}
        text = f"{vm} has {sorted(str(lun) for lun in luns)}, had {judge.record.luns[vm]}"
        unfinished = _unfinished(judge, vm)
        judge.hold("the VM has all its disks", unfinished or luns == judge.record.luns[vm], text)
    judge.hold("the VM's disks are there", all(disk in azure.disks for disk in held), f"{vm}: {held}")
    works = [work for work in judge.record.works("disk_delete", vm) if work.succeeded]
    for disk in judge.record.planted_disks[vm]:
        by = [work.run for work in works if work.run is not None and work.name.lower() == disk.rsplit("/", 1)[-1]]
        text = f"{vm}: {disk} by {[run.label for run in by]}"
        gone = disk not in azure.disks
        judge.hold("no disk is lost", not gone or any(_names(run, disk) for run in by), text)


def _unfinished(judge: Judge, vm: str) -> bool:
    """Whether a restore without a key was begun and never taken up again: nobody asks for it once more."""
    return any(
        run.task.module == "vm_checkpoint_restore" and not run.well and "restore_key" not in run.task.options
        for run in judge.record.runs
        if vm in run.task.vms
    )


def _names(run: Run, disk: str) -> bool:
    deletes = [action for plan in run.plans for action in plan.writes if isinstance(action, DeleteDisk)]
    short = disk.rsplit("/", 1)[-1].lower()
    named = any(action.disk.lower().endswith(short) for action in deletes)
    return named and run.task.options.get("old_disks") == "delete"


def _restores(judge: Judge, vm: str) -> None:
    """Under one key the VM gets one set of disks, each once, and swapped in once unless it was put back."""
    if _interleaved(judge, vm):
        return  # what two restores of one VM at once come to is open, and docs/semantics.md says so
    held = [disk for _moment, disk in judge.record.os_disks.get(vm, [])]
    for disk, times in Counter(held[1:]).items():
        # A swap that fails later is put back: then the same disk may come once more.
        back = held[1:].count(held[0])
        # With its disks a run is forgotten: docs/semantics.md.
        removed = any(
            work.succeeded for work in judge.record.works("disk_delete", vm) if disk.endswith(work.name.lower())
        )
        kept = disk == held[0] or times <= 1 + back + removed
        judge.hold("a disk is swapped in once", kept, f"{vm}: {disk} {times} times")
    keys = {str(task.options["restore_key"]) for task in judge.script.tasks if "restore_key" in task.options}
    for key in sorted(keys):
        works = [work for work in judge.record.works("disk", vm) if work.succeeded and work.run]
        works = [work for work in works if work.run and work.run.task.options.get("restore_key") == key]
        runs = {work.name.rsplit("-", 1)[-1] for work in works}
        on = {run for run in runs if any(disk.endswith(f"-{run}") for disk in held)}
        judge.hold("one restore for one restore_key", len(on) <= 1, f"{vm} {key}: {sorted(on)}")
        # A point that has gone takes a restore with it that had only begun; another may then begin.
        gone = len(_deletes(judge, vm))
        judge.hold("one set of disks for one restore_key", len(runs) <= 1 + gone, f"{vm} {key}: {sorted(runs)}")


def _interleaved(judge: Judge, vm: str) -> bool:
    """Whether restores of two tasks were under way at once; a killed run is until its task has ended for good."""
    spans: dict[int, tuple[float, float]] = {}
    for run in judge.record.runs:
        if run.task.module == "vm_checkpoint_restore" and vm in run.task.vms and not run.task.check:
            if run.phase != "story":
                continue
            begin, end = spans.get(run.task.number, (run.start, run.over))
            spans[run.task.number] = (min(begin, run.start), max(end, run.over))
    ordered = sorted(spans.values())
    return any(later[0] <= earlier[1] for earlier, later in itertools.pairwise(ordered))


def _results(judge: Judge, vm: str) -> None:
    """A success is true of the world, as far as nobody else was at the same VM meanwhile."""
    for run in judge.record.runs:
        task = run.task
        skip = not run.well or task.check or task.module != "vm_checkpoint" or task.options.get("wait") is False
        if skip or "checkpoint_id" in task.options or vm not in task.vms or _disturbed(judge, run, vm):
            continue
        found = _then(judge, vm, run.end)
        name, shown = str(task.options["name"]).lower(), run.of(vm).get("checkpoint") or {}
        text = f"{run.label} on {vm}: {name}; there were {found}"
        if task.options.get("state") == "absent":
            rest = task.options["on_ambiguous"] == "oldest"
            judge.hold("absent is absent", rest or name not in found, text)
        else:
            judge.hold("the checkpoint shown is there", str(shown.get("name")).lower() in found, text)


def _disturbed(judge: Judge, run: Run, vm: str) -> bool:
    others = [work for work in judge.record.work if work.vm == vm and work.run is not run]
    return any(work.at <= run.end and (work.job.finished is None or work.job.finished >= run.start) for work in others)


def _then(judge: Judge, vm: str, moment: float) -> list[str]:
    """The names of the VM's good points, and of those being made, at a moment.

    Where a second PUT makes a point anew, the later one takes the place of the earlier.
    """
    home = f"checkpoints-{vm}"
    ever = [point for point in judge.record.planted_points[vm] if judge.record.homes[id(point)] == home]
    for work in sorted(judge.record.works("create", vm), key=lambda each: each.at):
        if isinstance(work.point, Point) and work.home == home and not work.failed and work.at <= moment:
            ever.append(work.point)
    if judge.record.world.switches.compute_reput == "201":
        ever = list({point.name.lower(): point for point in ever}.values())
    gone = {id(work.point) for work in _deletes(judge, vm) if (work.job.finished or moment) <= moment}
    return sorted(point.name.lower() for point in ever if id(point) not in gone)
