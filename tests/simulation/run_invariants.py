# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of each single run, whatever met it."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration
from tests.simulation.azure_generator import RESOURCES
from tests.simulation.record import Record, Run, Sent, Work, ids
from tests.simulation.script import Script

DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"
CODES = frozenset(re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text("utf-8"), re.M))
SLACK = 1.0
"""Seconds that a run may take beyond its deadline."""
# These say that nothing was sent that changes anything.
HARMLESS = frozenset(
    {"invalid_input", "unavailable", "unreachable", "limit_reached", "missing_checkpoint", "ambiguous"}
)


class Judge:
    """Counts what was checked, and keeps what does not hold."""

    def __init__(self, script: Script, record: Record) -> None:
        self.script = script
        self.record = record
        self.made: Counter[str] = Counter()
        self.broken: list[str] = []

    def hold(self, name: str, kept: bool, text: str) -> None:
        """One check of the invariant `name`."""
        self.made[name] += 1
        if not kept:
            self.broken.append(f"{name}: {text}")


def judge_runs(judge: Judge) -> None:
    """Every run by itself."""
    for run in judge.record.runs:
        _ends(judge, run)
        _secrets(judge, run)
        _check_mode(judge, run)
        for vm in run.task.vms if run.task.module not in RESOURCES else ():
            _creates(judge, run, vm)
            _restores(judge, run, vm)
            if run.result is not None and not run.task.check:
                _truthful(judge, run, vm)


def _ends(judge: Judge, run: Run) -> None:
    judge.hold("no other exception", not run.crash, f"{run.label}: {run.crash}")
    judge.hold("ended or killed", run.killed or run.result is not None or bool(run.crash), run.label)
    limit = parse_duration(run.task.options["wait_timeout"]).total_seconds()
    took = run.end - run.start
    judge.hold("ends within its deadline", took <= limit + SLACK, f"{run.label} took {took:.1f} s of {limit:g} s")
    if run.result is not None:
        codes = [run.code, *((each["error"] or {}).get("code") for each in run.result.get("vms", []))]
        found = {code for code in codes if code is not None}
        judge.hold("codes of the closed list", found <= CODES, f"{run.label}: {sorted(found - CODES)}")


def _secrets(judge: Judge, run: Run) -> None:
    world = judge.record.world
    text = json.dumps(run.result)
    values = [world.credentials.spf_password, world.credentials.secret, *world.tokens]
    judge.hold("no secret in a result", not any(value in text for value in values), run.label)


def _check_mode(judge: Judge, run: Run) -> None:
    if run.task.check or run.task.module == "vm_checkpoint_info":
        sent = [f"{each.method} {each.target}" for each in run.sent if each.writes]
        judge.hold("check mode and info write nothing", not sent, f"{run.label}: {sent}")


def made_by(record: Record, run: Run, vm: str) -> list[Work]:
    """The checkpoints that a run has made of a VM, or is making."""
    return [work for work in record.works("create", vm, run) if not work.failed]


def _creates(judge: Judge, run: Run, vm: str) -> None:
    found = made_by(judge.record, run, vm)
    text = f"{run.label} made {[(work.name, work.at - run.start) for work in found]} of {vm}"
    # One that somebody has removed while the run waited for a lock is made again, as any that is not there.
    again = [later for earlier, later in itertools.pairwise(found) if not _gone(judge, vm, earlier, later.at)]
    judge.hold("a run makes at most one checkpoint of a VM", not again, text)
    wanted = [
        action for plan in run.plans for action in plan.writes if action.verb == "create" and action.target.name == vm
    ]
    every = judge.record.works("create", vm, run)
    judge.hold("what is made was planned", not every or bool(wanted), f"{run.label}: {vm}")
    # Rule 2: after a loss nothing is sent, unless what was lost was read as failed.
    lost = None
    for each in creates_sent(run, vm):
        if lost is not None:
            begun = next((w for w in every if lost.at <= w.at <= (lost.handled or lost.at)), None)
            ended = begun is not None and begun.failed and begun.job.finished is not None
            text = f"{run.label} sent a create of {vm} at {lost.at - run.start:.1f} s, which was lost, and another"
            judge.hold("no create after a lost one", ended, f"{text} at {each.at - run.start:.1f} s")
        if each.open:
            lost = each
    judge.made["no create after a lost one"] += 1


def _gone(judge: Judge, vm: str, made: Work, moment: float) -> bool:
    """Whether a checkpoint had gone again by then: by itself, or along with what it stands on."""
    kinds = ("delete", "point_delete", "collection_delete")
    done = [work for work in judge.record.work if work.vm == vm and work.kind in kinds and work.succeeded]
    done = [work for work in done if made.at < (work.job.finished or moment) <= moment]
    along = judge.record.world.switches.delete_children == "deleted"
    return any(along or work.point is made.point or made.point in work.inside for work in done)


def creates_sent(run: Run, vm: str) -> Iterator[Sent]:
    """The requests for a checkpoint; SPF's name the VM in their body."""
    for each in run.sent:
        target = each.target.lower()
        on_spf = target.endswith("/vmcheckpoints") and len(run.task.vms) == 1
        if each.method == "POST" and (on_spf or ("createcheckpoint" in target and f"/{vm}/" in target)):
            yield each


def _restores(judge: Judge, run: Run, vm: str) -> None:
    # One without a checkpoint was accepted by an Azure that cannot reach VMM: nothing has heard of it.
    begun = [work for work in judge.record.works("restore", vm, run) if not work.refused and work.point is not None]
    done = [work for work in begun if not work.failed]
    text = f"{run.label}: {[(work.name, work.at - run.start) for work in done]} of {vm}"
    judge.hold("a run restores a VM at most once", len(done) <= 1, text)
    planned = {
        action.checkpoint.id.lower()
        for plan in run.plans
        for action in plan.writes
        if action.verb == "restore" and action.target.name == vm
    }
    for work in begun:
        judge.hold("what is restored was planned", bool(ids(work.point) & planned), text)


def _truthful(judge: Judge, run: Run, vm: str) -> None:
    """`changed` says what the run has done; an error that says nothing was sent is right."""
    part = run.of(vm)
    if part.get("status") in ("stopped", "undone"):
        return  # what such a VM of a group has come to stands in `group`: judge_groups()
    changed = part["status"] == "changed" if "status" in part else bool(part.get("changed"))
    mine = [work for work in judge.record.work if work.run is run and work.vm == vm]
    # Where a run says that it is open whether what it made can be used, it may fail yet.
    left_open = (part.get("checkpoint") or {}).get("usability") in (None, "unknown", "arriving")

    def stood(work: Work) -> bool:
        return not work.failed or (left_open and work.kind == "create" and (work.job.finished or run.end) > run.end)

    effects: list[object] = [work for work in mine if stood(work)]
    if any(w.kind == "create" and w.failed and judge.record.world.switches.failed_create_row == "left" for w in mine):
        return  # what it left behind is a change or none, as one likes
    # A collection is made in the answer itself.
    home = f"/checkpoints-{vm}?"
    # Where the service calls a PUT of what exists, or a DELETE of what is gone, a success.
    again = f"/checkpoints-{vm}/restorepoints/"
    effects += [e for e in run.sent if e.writes and again in e.target.lower() and e.status in (200, 204)]
    effects += [e for e in run.sent if e.method == "PUT" and home in e.target and e.status in (200, 201)]
    error = (part.get("error") or {}).get("code")
    text = f"{run.label} on {vm}: changed {changed}, error {error}, did {[(w.kind, w.name, w.failed) for w in mine]}"
    if error is None and changed and run.task.options.get("wait") is not False:
        _usable(judge, run, vm)
    if error is None and changed and not effects and any(each.writes and (each.open or each.late) for each in run.sent):
        return  # the answer to a write was lost, and what it should do is done: nobody can know by whom
    if changed and not effects and any(did_it(judge, run, vm, work) for work in mine):
        return  # somebody else did the very same at the same time: reading cannot tell whose it is
    if error is None and run.task.options.get("wait") is not False:
        judge.hold("changed is what was done", changed == bool(effects), text)
    elif error in HARMLESS and not changed and "status" not in part:
        judge.hold("nothing was sent where that is said", not effects, text)


def did_it(judge: Judge, run: Run, vm: str, failed: Work) -> bool:
    """Whether another run did with success, while this one was on, what this one failed to do.

    Or just before it began, where the service still showed it what had been there.
    """
    stale = judge.record.world.switches.arc_stale_seconds
    others = [work for work in judge.record.works(failed.kind, vm) if work.run is not run and work.succeeded]
    if any(
        each.kind in ("outside", "appears") and (each.vm, each.argument) == (vm, failed.name)
        for each in judge.script.events
    ):
        return True  # made on the host itself, which is no work of the service's
    return any(run.start - stale <= (work.job.finished or work.at) and work.at <= run.end for work in others)


def _usable(judge: Judge, run: Run, vm: str) -> None:
    """Rule 8: what a run has made can be used, or whether it can is open, and a warning says so."""
    shown = run.of(vm).get("checkpoint") or {}
    if run.task.module != "vm_checkpoint" or run.task.options.get("state") == "absent":
        return
    usability, warned = shown.get("usability"), bool((run.result or {}).get("warnings"))
    # SPF may never tell. Azure's points may have data on its way, which is waited for where something rests on it.
    rests = "max_age" in run.task.options or "supersede" in run.task.options
    arriving = judge.record.world.switches.compute_hydration_takes != "0s" and not rests
    open_one = usability in ("unknown", "arriving") and warned and (arriving or not vm.startswith("compute"))
    judge.hold("a success can be used", usability == "usable" or open_one, f"{run.label} on {vm}: {usability}")
