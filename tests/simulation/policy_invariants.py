# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every run of a policy, whatever met it: what it may remove, what it leaves, and in which order."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration
from simulator.azure.model import Point
from simulator.vmm.machines import Checkpoint
from tests.simulation.policy_generator import OTHERS, POLICY
from tests.simulation.record import Run, Work
from tests.simulation.resource_invariants import has_failed
from tests.simulation.run_invariants import SLACK, Judge

GONE = ("delete", "point_delete")
MARK = "[hybridvm.checkpoints 1 nonce="
PINNED = re.compile(r" pin(?: until=(?P<until>\S+?))?(?= |\])")
HONEST = frozenset({"too_many_deletes", "limit_reached"})
"""What a run without faults may end in: its own limit, or the service's, forbids what the policy asks for."""
SKEWS = ("date_skew", "vmm_clock_skew", "compute_clock_skew")


def judge_policies(judge: Judge) -> None:
    """Every run of a policy, VM by VM."""
    for run in judge.record.runs:
        if run.task.module != POLICY:
            continue
        for vm in run.task.vms:
            removed = _removed(judge, run, vm)
            for work in removed:
                _may_go(judge, run, work)
                _leaves_enough(judge, run, work)
            _order(judge, run, vm, removed)
            most = run.task.options["max_deletes"]
            text = f"{run.label} removed {len(removed)} of {vm}; max_deletes is {most}"
            judge.hold("a policy stays within max_deletes", len(removed) <= most, text)
            _fresh(judge, run, vm)
        total, most = (
            sum(len(_removed(judge, run, vm)) for vm in run.task.vms),
            run.task.options.get("max_deletes_total"),
        )
        text = f"{run.label} removed {total}; max_deletes_total is {most}"
        judge.hold("a policy stays within max_deletes_total", most is None or total <= most, text)


def _removed(judge: Judge, run: Run, vm: str) -> list[Work]:
    """What a run has removed of a VM, or is removing, in the order of time."""
    works = [work for kind in GONE for work in judge.record.works(kind, vm, run)]
    return sorted((work for work in works if not work.failed and work.point is not None), key=lambda each: each.at)


def _may_go(judge: Judge, run: Run, work: Work) -> None:
    text = f"{run.label} removed {work.name} of {work.vm}"
    judge.hold("a policy removes nothing of others", _is_governed(judge, run, work.vm, work.point), text)
    named = work.name in run.task.options.get("pins", [])
    pinned = named or _is_pinned(judge, work)
    judge.hold("a policy removes nothing that is pinned", not pinned, text)
    if older := run.task.options.get("select", {}).get("older_than"):
        least = parse_duration(older).total_seconds()
        old = _is_failed(judge, work) or work.at - _born(work.point) >= least - 60.0
        judge.hold("a policy removes only what is selected", old, f"{text}, {work.at - _born(work.point):.0f} s old")


def _is_governed(judge: Judge, run: Run, vm: str, point: Any) -> bool:
    """Whether it is of the policy's series and bears the collection's mark, by the story's own plan of names."""
    options = run.task.options
    prefix = re.escape(options["prefix"])
    adopted = "adopt" in options and point.name == OTHERS[0]
    if isinstance(point, Checkpoint):
        stamped = re.fullmatch(prefix + r"(-\d{8}T\d{6}Z)?", point.name or "")
        ours = MARK in (point.description or "") or bool(options.get("include_unmanaged"))
        return adopted or (stamped is not None and ours)
    ours = judge.record.homes.get(id(point)) == f"checkpoints-{vm}"
    stamped = re.fullmatch(prefix + r"-\d{8}T\d{6}Z-[0-9a-f]{12}", point.name)
    return ours and (adopted or stamped is not None)


def _is_failed(judge: Judge, work: Work) -> bool:
    return isinstance(work.point, Point) and has_failed(judge, work.point)


def _is_pinned(judge: Judge, work: Work) -> bool:
    """Whether a pin of the story's beginning held it. Those that have an end end long before or after the story."""
    if isinstance(work.point, Checkpoint):
        found = PINNED.search(work.description)
        return found is not None and (found["until"] is None or found["until"] > "2026-12-20")
    homes = judge.script.document["compute"]["collections"]
    tags: dict[str, str] = next((each["tags"] for each in homes if each["name"] == f"checkpoints-{work.vm}"), {})
    value = tags.get(f"hybridvm-pin-{work.name}".lower())
    return value is not None and (value == "pin" or value.removeprefix("until=") > "2026-12-20")


def _standing(judge: Judge, run: Run, vm: str, moment: float) -> list[Any]:
    """The usable ones of the series at a moment. What others removed while the run could read it counts as there."""
    points = [p for (_service, name), found in judge.record.planted.items() if name == vm for p in found]
    ever: list[Any] = [*points, *judge.record.planted_points.get(vm, [])]
    made = [work for work in judge.record.works("create", vm) if work.point is not None and work.succeeded]
    ever += [work.point for work in made if (work.job.finished or work.at) <= moment]
    removals = [work for kind in GONE for work in judge.record.works(kind, vm) if not work.failed]
    mine = {id(work.point) for work in removals if work.run is run and work.at <= moment}
    seen_until = run.start - float(judge.record.world.switches.arc_stale_seconds)
    gone = mine | {id(w.point) for w in removals if w.job.finished is not None and w.job.finished < seen_until}
    return [p for p in ever if id(p) not in gone and _is_governed(judge, run, vm, p) and _is_usable(judge, p, moment)]


def _is_usable(judge: Judge, point: Any, moment: float) -> bool:
    """By what became of it, not by its state, which is another one once it goes."""
    if isinstance(point, Point):
        return not has_failed(judge, point) and all(percent >= 100 for percent in point.percents(moment, 0))
    return True


def _leaves_enough(judge: Judge, run: Run, work: Work) -> None:
    """Behind the removal of a usable one there are min_good others, and as many newer ones as keep.last says."""
    before = _standing(judge, run, work.vm, work.at - 0.001)
    if not any(point is work.point for point in before):
        return  # it had failed
    left = [point for point in _standing(judge, run, work.vm, work.at) if point is not work.point]
    least = run.task.options["min_good"]
    text = f"{run.label} removed {work.name} of {work.vm}, and left {[point.name for point in left]}"
    judge.hold("a policy leaves min_good", len(left) >= least, f"{text}; min_good is {least}")
    if not any(getattr(judge.record.world.switches, name) for name in SKEWS):
        newer = [point for point in left if _born(point) >= _born(work.point)]
        last = max(least, run.task.options["keep"].get("last", 0))
        judge.hold("a policy removes none of the newest", len(newer) >= last, f"{text}; {last} of the newest stay")


def _born(point: Any) -> float:
    return float(point.created if isinstance(point, Point) else point.added)


def _order(judge: Judge, run: Run, vm: str, removed: list[Work]) -> None:
    """What is made is there before anything goes; a run whose plan asks for a new one removes nothing without it."""
    works = [work for kind in GONE for work in judge.record.works(kind, vm)]
    if any(work.run is not run and work.at >= run.start - SLACK for work in works if work.at <= run.end):
        return  # what this run has made somebody else may have removed
    made = [work for work in judge.record.works("create", vm, run) if not work.failed]
    for work in removed:
        late = [each.name for each in made if (each.job.finished or run.end) > work.at]
        text = f"{run.label} removed {work.name} of {vm} before {late} had been made"
        judge.hold("a policy creates before it removes", not late, text)


def _fresh(judge: Judge, run: Run, vm: str) -> None:
    """A success means that one was young enough when the run began, or was made by it."""
    switches = judge.record.world.switches
    error = run.of(vm).get("error")
    skewed = any(getattr(switches, name) for name in SKEWS)
    if not run.well or error or run.task.check or skewed or "max_age" not in run.task.options:
        return
    if switches.arc_lists_running_create and vm.startswith("scvmm"):
        return  # Arc lists what it still makes, and does not say so
    oldest = run.start - parse_duration(run.task.options["max_age"]).total_seconds() - 60.0
    newest = max((_born(point) for point in _standing(judge, run, vm, run.end)), default=0.0)
    judge.hold("a policy's success is fresh", newest >= oldest, f"{run.label} on {vm}: {run.start - newest:.0f} s old")
