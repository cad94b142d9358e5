# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of the world after all runs together, and of the runs after it has settled."""

from __future__ import annotations

import itertools
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration
from simulator.vmm.machines import Checkpoint
from tests.simulation.azure_generator import RESOURCES
from tests.simulation.group_invariants import is_undone
from tests.simulation.policy_generator import POLICY
from tests.simulation.policy_invariants import HONEST, SKEWS
from tests.simulation.record import Run, Work, ids
from tests.simulation.resource_invariants import hopeless
from tests.simulation.run_invariants import Judge

FORGETS = "would therefore restore again"
"""What a run says whose restore a second run with its key would do again."""
MARK = "[hybridvm.checkpoints 1 nonce="


def judge_world(judge: Judge) -> None:
    """SPF and Arc: nothing lost, duplicates only where they are promised, keys kept; then that reruns converge."""
    for service, vm in judge.record.planted:
        _nothing_lost(judge, service, vm)
        _duplicates(judge, service, vm)
    _keys(judge)
    _results(judge)
    _converges(judge)


def _deleted(judge: Judge, vm: str) -> list[Work]:
    return [work for work in judge.record.works("delete", vm) if not work.failed]


def _nothing_lost(judge: Judge, service: str, vm: str) -> None:
    """Whatever was there once is there, or a plan said that it goes and its spec allowed that."""
    now = {id(point) for point in judge.record.standing()[service, vm]}
    ever = list(judge.record.planted[service, vm])
    ever += [work.point for work in judge.record.works("create", vm) if isinstance(work.point, Checkpoint)]
    gone = _deleted(judge, vm)
    cascade = judge.record.world.switches.delete_children == "deleted"
    failed = {id(work.point) for work in judge.record.works("create", vm) if work.failed}
    for point in ever:
        text = f"{service} {vm}: {point.name} ({point.id})"
        lost = id(point) not in now and id(point) not in failed
        named = any(work.point is point for work in gone)
        judge.hold("nothing is lost", not lost or named or (cascade and bool(gone)), text)
    for work in gone:
        if work.run is None or not isinstance(work.point, Checkpoint) or is_undone(judge, work):
            continue
        planned = {
            action.checkpoint.id.lower() for plan in work.run.plans for action in plan.writes if action.verb == "delete"
        }
        text = f"{work.run.label} deleted {work.name} ({work.point.id}) of {vm}"
        judge.hold("what is deleted was planned", bool(ids(work.point) & planned), text)
        judge.hold("what is deleted was meant", _meant(judge, work), text)


def _meant(judge: Judge, work: Work) -> bool:
    """Whether a task's own words allow that a checkpoint goes."""
    options: dict[str, Any] = work.run.task.options if work.run else {}
    if work.run and work.run.task.module == POLICY:
        return True  # judge_policies() says what may go
    if "checkpoint_id" in options:
        return options.get("state") == "absent" and options["checkpoint_id"].lower() in ids(work.point)
    if not _bears(judge, work.service, work.name, work.description, str(options.get("name"))):
        return False
    managed = MARK in work.description
    return options.get("state") == "absent" or (bool(options.get("supersede")) and managed)


def _bears(judge: Judge, service: str, name: str, description: str, asked: str) -> bool:
    """Whether a checkpoint is what was asked for by a name: it has it, or is ours and has what became of it."""
    return name == asked or (MARK in description and name == judge.record.kept_name(service, asked))


def _duplicates(judge: Judge, service: str, vm: str) -> None:
    """Two of one fixed name: only from two controllers at once, or while Arc hid the first; then it is said."""
    standing = {id(point) for point in judge.record.standing()[service, vm]}
    made = [
        work
        for work in judge.record.works("create", vm)
        if work.run is not None and not work.failed and id(work.point) in standing
    ]
    made = [work for work in made if work.run and work.run.task.module == "vm_checkpoint"]
    made = [work for work in made if work.run and "max_age" not in work.run.task.options]
    for place, later in enumerate(made):
        for earlier in made[:place]:
            if earlier.name != later.name or earlier.run is None or later.run is None:
                continue
            shown = _shown_at(judge, service, earlier)
            text = f"{earlier.run.label} and {later.run.label} both made {later.name} of {vm}"
            judge.hold("duplicates only where rule 2 names them", later.run.start <= max(earlier.run.over, shown), text)
            _reported(judge, earlier, later, shown, text)


def _shown_at(judge: Judge, service: str, work: Work) -> float:
    """From when on a reading shows it: SPF has the row at once, Arc when the operation has ended, or later."""
    if service == "spf":
        return work.at
    return float(work.job.finished or work.at) + float(judge.record.world.switches.arc_stale_seconds)


def _reported(judge: Judge, earlier: Work, later: Work, shown: float, text: str) -> None:
    """The run that made the second says so, where the first was to be seen when it read for the last time."""
    run = later.run
    last = max((each.at for each in run.sent if not each.writes), default=0.0) if run else 0.0
    if run is None or not run.well or shown >= last or not isinstance(earlier.point, Checkpoint):
        return
    if (earlier.point.made or last) >= last or run.task.options.get("wait") is False:
        return
    found = {each["id"].lower() for each in run.of(later.vm).get("duplicates", [])}
    judge.hold("duplicates are reported", bool(ids(earlier.point) & found), f"{text}; reported: {found}")


def _keys(judge: Judge) -> None:
    """A restore_key restores once, except where a run began while another with it was still under way."""
    for task in judge.script.tasks:
        key = task.options.get("restore_key")
        for vm in task.vms if key else ():
            works = [
                work
                for work in judge.record.works("restore", vm)
                if work.succeeded and work.run is not None and work.run.task.options.get("restore_key") == key
            ]
            for run in judge.record.runs:
                if run.well and not run.task.check and run.task.options.get("restore_key") == key:
                    azure = vm.startswith("compute") or run.task.options.get("wait") is False
                    # Where another user's restore took the VM off the safety checkpoint, nobody can tell.
                    moved = any(work.succeeded for work in judge.record.works("restore", vm))
                    text = f"{run.label}: {vm} {key}"
                    open_one = _slow(judge, run, vm) or _left_row(judge, run, vm)
                    judge.hold("done under a key is done", azure or moved or open_one, text)
            text = f"{key} restored {vm} {len(works)} times, by {[work.run.label for work in works if work.run]}"
            pairs = [(e, w) for e, w in itertools.pairwise(works) if not _at_once(judge, e, w)]
            if _unmoved(judge):
                for earlier, _later in pairs:
                    # One that did not wait could not see it.
                    waited = earlier.run is not None and earlier.run.well and earlier.run.task.options.get("wait", True)
                    warned = not waited or FORGETS in str(earlier.run.result if earlier.run else "")
                    judge.hold("what a restore_key cannot remember is said", warned, text)
            else:
                judge.hold("one restore for one restore_key", not pairs, text)


def _unmoved(judge: Judge) -> bool:
    """Whether a restore leaves the VM shown where it was: then nothing remembers it (docs/semantics.md)."""
    return bool(judge.record.world.switches.pointer_after_restore == "stays")


def _left_row(judge: Judge, run: Run, vm: str) -> bool:
    """Whether Arc lists what a failed create of an earlier run with its key has left (docs/semantics.md)."""
    works = [work for work in judge.record.works("create", vm) if work.failed and _leaves(judge, work)]
    makers = [work.run for work in works if work.run is not None and work.run is not run]
    return any(maker.task.options.get("restore_key") == run.task.options["restore_key"] for maker in makers)


def _slow(judge: Judge, run: Run, vm: str) -> bool:
    """Whether a create took longer than settle_time where running ones are listed (docs/semantics.md)."""
    settle = parse_duration(str(run.task.options["settle_time"])).total_seconds()
    creates = judge.record.works("create", vm) if judge.record.world.switches.arc_lists_running_create else []
    return any((work.job.finished or run.end) - work.at > settle for work in creates)


def _at_once(judge: Judge, earlier: Work, later: Work) -> bool:
    """Whether the second run could not see what the first had done: it had begun, or Arc still hid it."""
    cascade = judge.record.world.switches.delete_children == "deleted"  # the safety checkpoint may have gone with it
    if earlier.run is None or later.run is None or cascade:
        return True
    # Another user's restore may have brought the VM back onto what stands on the safety checkpoint.
    others = [work for work in judge.record.works("restore", earlier.vm) if work.succeeded]
    if any(earlier.at < work.at < later.at and work.run is not earlier.run for work in others):
        return True
    shown = _shown_at(judge, earlier.service, earlier)
    return later.run.start <= max(earlier.run.over, shown)


def _results(judge: Judge) -> None:
    """A success is true of the world, as far as nobody else was at the same VM meanwhile."""
    for run in judge.record.runs:
        if (
            not run.well
            or run.task.check
            or run.task.module != "vm_checkpoint"
            or run.task.options.get("wait") is False
            or "checkpoint_id" in run.task.options
        ):
            continue
        for vm in run.task.vms:
            cascade = judge.record.world.switches.delete_children == "deleted"
            if vm.startswith("compute") or cascade or _disturbed(judge, run, vm):
                continue
            name, standing = run.task.options["name"], _then(judge, vm, run.end)
            service = "spf" if vm.startswith("spf") else "scvmm"
            found = [p for p in standing if _bears(judge, service, p.name or "", p.description or "", name)]
            text = f"{run.label} on {vm}: {name}; there were {[point.name for point in standing]}"
            if run.task.options.get("state") == "absent":
                rest = run.task.options["on_ambiguous"] == "oldest"
                judge.hold("absent is absent", rest or not found, text)
                continue
            shown = run.of(vm).get("checkpoint") or {}
            judge.hold(
                "the checkpoint shown is there",
                any(str(shown.get("id")).lower() in ids(point) for point in found),
                text,
            )


def _disturbed(judge: Judge, run: Run, vm: str) -> bool:
    """Whether somebody else's work on the VM ended while the run was on, or was hidden from it."""
    stale = float(judge.record.world.switches.arc_stale_seconds)
    others = [work for work in judge.record.work if work.vm == vm and work.run is not run]
    outside = any(event.vm == vm and event.kind in ("outside", "appears") for event in judge.script.events)
    return outside or any(
        work.at <= run.end and (work.job.finished is None or work.job.finished + stale >= run.start) for work in others
    )


def _leaves(judge: Judge, work: Work) -> bool:
    """Whether a create that failed is shown all the same: Arc shows what has the host's id, and mostly what is made."""
    switches = judge.record.world.switches
    known = isinstance(work.point, Checkpoint) and work.point.checkpoint_id is not None
    shown = work.service == "spf" or (switches.arc_lists_running_create and known)
    return bool(switches.failed_create_row == "left" and shown)


def _then(judge: Judge, vm: str, moment: float) -> list[Checkpoint]:
    """The VM's checkpoints at a moment."""
    ever = [point for (_service, name), points in judge.record.planted.items() if name == vm for point in points]
    for work in judge.record.works("create", vm):
        failed = work.failed and not _leaves(judge, work)
        if isinstance(work.point, Checkpoint) and work.at <= moment and not failed:
            ever.append(work.point)
    gone = {id(work.point) for work in _deleted(judge, vm) if (work.job.finished or moment) <= moment}
    return [point for point in ever if id(point) not in gone]


def _converges(judge: Judge) -> None:
    """A rerun without faults, once the service has settled, succeeds, and the next one is unchanged."""
    before: Run | None = None
    for run in judge.record.runs:
        # One that could not tell, honestly, leaves the rest to the next.
        open_before = before is not None and not before.well
        before = run
        if run.phase == "story" or _hopeless(judge, run):
            continue
        text = f"{run.label} ({run.phase}): {(run.result or {}).get('msg') or run.result}"
        judge.hold("a rerun converges", run.well, text[:1500])
        forgets = _unmoved(judge) and "restore_key" in run.task.options
        lags = run.task.module == POLICY and _spans_lag(judge, run)
        if run.phase == "once more" and run.well and not forgets and not open_before and not lags:
            judge.hold("the next is unchanged", not (run.result or {})["changed"], text[:1500])


def _spans_lag(judge: Judge, run: Run) -> bool:
    """Whether spans are held against a wrong clock: what has come to its end goes once a later time is shown."""
    skewed = any(getattr(judge.record.world.switches, name) for name in SKEWS)
    return skewed and any(rule.startswith("within") for rule in run.task.options.get("keep") or ())


def _hopeless(judge: Judge, run: Run) -> bool:
    """Errors that tell the user the truth: several fit, none is there, or the service never says what was needed."""
    if run.task.module in RESOURCES:
        return hopeless(run)
    switches = judge.record.world.switches
    codes = {str((each["error"] or {}).get("code")) for each in (run.result or {}).get("vms", [])} - {"None"}
    honest = {"ambiguous", "missing_checkpoint", "unknown_time"} | (HONEST if run.task.module == POLICY else set())
    if (codes or {str(run.code)}) <= honest | ({"outcome_unknown"} if "restore_key" in run.task.options else set()):
        return True
    if run.task.options.get("wait") is False or run.task.options.get("on_ambiguous") == "oldest":
        return True
    if switches.delete_children == "deleted" and any(work.kind == "delete" for work in judge.record.work):
        return True  # what stands on a superseded checkpoint goes with it, the new one as well
    if run.code in ("operation_failed", "refused", "some_failed", "outcome_unknown") and _refuses(judge, run):
        return True
    mute = switches.spf_host_id == "never" and any(vm.startswith("spf") for vm in run.task.vms)
    return mute and ("max_age" in run.task.options or run.task.module == "vm_checkpoint_restore")


def _refuses(judge: Judge, run: Run) -> bool:
    """Whether the service never allows what was asked for."""
    switches = judge.record.world.switches
    # An operation that is forgotten at once tells nobody why it failed.
    text = str(run.result)
    forgotten = "could not be followed (reading the operation's status: an answer (404: NotFound: The operation status "
    said = "DuplicateCheckpointName" in text or forgotten in text.replace("\\'", "'")
    if switches.arc_duplicate_name == "refused" and said:
        return True
    quota = "CreateApplicationConsistentRestorePoint" in text or "throttled (429): asks to wait" in text
    if switches.compute_frequency == "matrix" and quota:
        return True  # one in three hours, and the story has had it
    return switches.arc_restore_running == "fails" and run.task.module == "vm_checkpoint_restore"
