# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of 404s of others, skewed clocks, normalised names, handshakes, two faults, signals and approvals."""

from __future__ import annotations

import itertools
import re
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration
from simulator.vmm.machines import Checkpoint
from tests.simulation.azure_generator import RESOURCES
from tests.simulation.record import Record, Run, Sent, Work, ids
from tests.simulation.run_invariants import Judge

_OFF = re.compile(r"\b(is|be|turned) off\b")
"""That it is or may be off, not only what was done before."""

TOLERANCE = 60.0
"""Seconds by which two clocks may differ before it is to be reported (docs/semantics.md)."""
UNSURE = 5.0
"""Seconds that a whole-second header and a slow answer may hide."""
CONNECT = 15.0
"""Seconds for which a connection is tried again."""
MAKES, REMOVES, RESTORES = ("create", "copy"), ("delete", "point_delete", "copy_delete"), ("restore",)
DENIALS = ("Nothing was sent.", "Nothing was changed.")


def judge_further(judge: Judge) -> None:
    """Every run by itself."""
    for run in judge.record.runs:
        _strangers(judge, run)
        _handshakes(judge, run)
        _approval(judge, run)
        if run.result is None or run.task.check:
            continue
        _clocks(judge, run)
        _normalised(judge, run)
        _denials(judge, run)
        _power(judge, run)
        _signal(judge, run)


def _path(sent: Sent) -> str:
    """The thing that a request is about. SPF reads by a filter and writes by key: all its checkpoints are one."""
    path = sent.target.partition("?")[0].lower().rstrip("/")
    return path.partition(".svc/")[2].partition("(")[0] if sent.on_spf else path


def _strangers(judge: Judge, run: Run) -> None:
    """Behind a reading that a stranger answered nothing is written to that thing before the service has answered."""
    if not any(each.strange for each in run.sent):
        return
    doubtful: set[str] = set()
    for each in run.sent:
        path = _path(each)
        if each.method == "GET" and not each.polls:
            doubtful = doubtful | {path} if each.strange else doubtful - {path}
        elif each.writes and (not each.on_spf or len(run.task.vms) == 1):
            about = [other for other in doubtful if path == other or path.startswith(f"{other}/")]
            about += [other for other in doubtful if other.startswith(f"{path}/")]
            text = f"{run.label} sent {each.method} {path}, and a stranger had answered the reading of {about}"
            judge.hold("nobody else's 404 is an absence", not about, text)
    # Locks only help, and of the VM of a restore point that is there only a warning depends.
    warns = run.task.module == "restore_point" and not any(each.writes for each in run.sent)
    decisive = [path for path in doubtful if not (path.endswith("/locks") or (warns and "/virtualmachines/" in path))]
    text = f"{run.label} ended well, and of {decisive} a stranger's 404 was the last answer"
    judge.hold("nobody else's 404 is an absence", not (run.well and decisive), text)


def _handshakes(judge: Judge, run: Run) -> None:
    """Nobody's certificate is at fault in a story; what was broken off in the handshake is sent again."""
    text = f"{run.label}: {(run.result or {}).get('msg')}"
    judge.hold("a broken handshake is no distrust", "untrusted_tls" not in str(run.result), text)
    if run.killed or run.signalled is not None:
        return
    limit = parse_duration(run.task.options["wait_timeout"]).total_seconds()
    for place, each in enumerate(run.sent):
        if each.fate is None or each.fate.get("exception") != "SSLEOFError":
            continue
        same = [other for other in run.sent if (other.method, other.target) == (each.method, each.target)]
        # What was tried in vain, whatever met it, counts towards the time for which a connection is tried again, and
        # so does signing in for it.
        tried = itertools.takewhile(lambda other: other.fate is not None, reversed(same[: same.index(each) + 1]))
        first = min(tried, key=lambda other: other.at)
        before = run.sent[: run.sent.index(first)][-1:]
        spent = each.at - (before[0].at if before and "/oauth2/" in before[0].target else first.at)
        late = each.at - run.start + CONNECT > limit or spent > CONNECT / 2
        again = any(other in same or "/oauth2/" in other.target for other in run.sent[place + 1 :])
        text = f"{run.label}: {each.method} {each.target[-80:]} at {each.at - run.start:.1f} s"
        judge.hold("what never left is sent again", again or late, text)


def _clocks(judge: Judge, run: Run) -> None:
    """Ages are counted by one clock, supersede removes what is older only, and a skew is reported."""
    options, switches = run.task.options, judge.record.world.switches
    skewed = switches.date_skew or switches.vmm_clock_skew or switches.compute_clock_skew
    if run.task.module != "vm_checkpoint" or not skewed or not ("max_age" in options or "supersede" in options):
        return
    for vm in run.task.vms:
        part = run.of(vm)
        point = _shown(judge.record, vm, str((part.get("checkpoint") or {}).get("id")))
        if point is None or not run.well or part.get("error"):
            continue
        if "max_age" in options:
            age = run.start - _made(judge.record, point)
            bound = parse_duration(options["max_age"]).total_seconds() + TOLERANCE + UNSURE
            text = f"{run.label} on {vm}: {age:.0f} s old"
            judge.hold("what max_age is content with is young enough", age <= bound, text)
        for work in (work for kind in REMOVES for work in judge.record.works(kind, vm, run) if not work.failed):
            older = work.point is None or _made(judge.record, work.point) <= _made(judge.record, point)
            judge.hold("supersede removes nothing younger", older, f"{run.label} on {vm}: {work.name}")
        if run.phase == "once more" and not _never_counts(judge, run):
            made = judge.record.works("create", vm, run)
            text = f"{run.label} on {vm}: {[work.name for work in made]}"
            judge.hold("max_age makes one, and none in each run", not made or not _before(judge, run, vm), text)
    if not run.well:
        return
    ahead = [switches.date_skew - each for each in run.ahead]
    text = " ".join(str(each) for each in (run.result or {})["warnings"])
    if min(abs(each) for each in ahead) > TOLERANCE + UNSURE:
        judge.hold("a skew of clocks is reported", "(its Date header)" in text, f"{run.label}: {ahead}; {text}")


def _never_counts(judge: Judge, run: Run) -> bool:
    """Whether what is made is never known to be usable, and so never counts for max_age."""
    never = judge.record.world.switches.spf_host_id == "never"
    return never and run.task.service == "spf" and "max_age" in run.task.options


def _before(judge: Judge, run: Run, vm: str) -> bool:
    """Whether the run of the same task just before ended well, so that there was one young enough."""
    runs = [each for each in judge.record.runs if each.task.number == run.task.number and each.start < run.start]
    vms = [each for each in (runs[-1].result or {}).get("vms", []) if each["error"]] if runs else []
    return bool(runs) and runs[-1].well and not vms and vm in runs[-1].task.vms


def _shown(record: Record, vm: str, point_id: str) -> Any:
    """The checkpoint or point of the world that a result shows."""
    works = [work.point for kind in MAKES for work in record.works(kind, vm)]
    planted = [point for points in record.planted.values() for point in points]
    planted_points = record.planted_points.get(vm, [])
    for point in (*works, *planted):
        if isinstance(point, Checkpoint) and point_id.lower() in ids(point):
            return point
    name = point_id.rsplit("/", 1)[-1].lower()
    azure = [each for each in (*works, *planted_points) if each is not None and not isinstance(each, Checkpoint)]
    return next((each for each in reversed(azure) if each.name.lower() == name), None) if "/" in point_id else None


def _made(record: Record, point: Any) -> float:
    """When it was begun, by the world's own clock; of what others made, as the world has it."""
    work = next((work for kind in MAKES for work in record.works(kind) if work.point is point), None)
    if work is not None:
        return work.at
    return float(point.added if isinstance(point, Checkpoint) else point.created)


def _normalised(judge: Judge, run: Run) -> None:
    """What a service keeps otherwise is neither made nor written again in each run."""
    switches = judge.record.world.switches
    kept = {switches.vmm_names, switches.vmm_descriptions, switches.arc_names} == {"kept"}
    # Where children go with their parent, one that nobody waits for takes the new one along unseen.
    along = switches.delete_children == "deleted" and run.task.options.get("wait") is False
    if (
        kept
        or along
        or _never_counts(judge, run)
        or run.phase != "once more"
        or run.task.module != "vm_checkpoint"
        or run.task.service not in ("spf", "scvmm")
    ):
        return
    for vm in run.task.vms:
        if not _before(judge, run, vm):
            continue
        made = [work.name for work in judge.record.works("create", vm, run)]
        judge.hold("no series where names are normalised", not made, f"{run.label} on {vm}: {made}")
        written = [work.name for work in judge.record.works("update", vm, run)]
        judge.hold("no update in each run", not written, f"{run.label} on {vm}: {written}")


def _took(judge: Judge, run: Run, vm: str) -> list[Work]:
    """What the run has begun on a VM, and what did not end in nothing."""
    return [work for work in judge.record.work if work.run is run and work.vm == vm and not work.failed]


def _parts(run: Run) -> list[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    """Of each VM the part of the result that is about it, and its error."""
    if run.task.module in RESOURCES:
        return [(run.task.vms[0], run.result or {}, (run.result or {}).get("error"))]
    return [(vm, run.of(vm), run.of(vm).get("error")) for vm in run.task.vms]


def _denials(judge: Judge, run: Run) -> None:
    """Behind a write that has left no error says that nothing was sent or changed, or that a retry is safe."""
    for vm, _part, error in _parts(run):
        took = _took(judge, run, vm)
        one = len(run.task.vms) == 1
        left_open = one and any(each.writes and each.open for each in run.sent)
        if error is None or not (took or left_open):
            continue
        text = f"{run.label} on {vm} did {[(work.kind, work.name) for work in took]}, and says: {error}"
        judge.hold("no error denies what was sent", not any(each in error["message"] for each in DENIALS), text)
        judge.hold("no error denies what was sent", error["retry"] != "safe", text)


def _power(judge: Judge, run: Run) -> None:
    """A VM that the run has turned off is not off in silence."""
    for vm, _part, error in _parts(run):
        if error is None or vm not in run.ran or not run.ran:
            continue
        kinds = ("power", "restore", "vm")
        mine = [work for kind in kinds for work in judge.record.works(kind, vm, run) if not work.failed]
        goes = [work for work in mine if work.kind == "power" and (work.job.finished or run.end) >= run.end]
        others = [
            work for kind in kinds for work in judge.record.works(kind, vm) if work.run is not run and not work.failed
        ]
        if any(run.start <= (work.job.finished or run.end) and work.at <= run.end for work in others):
            continue  # somebody else turned it off
        if mine and (vm not in run.runs_on or any(_turns_off(work) for work in goes)):
            text = f"{error['message']} {error['remedy']}"
            judge.hold("a VM is never off in silence", _OFF.search(text) is not None, f"{run.label} on {vm}: {text}")


def _turns_off(work: Work) -> bool:
    return getattr(work.job, "arguments", {}).get("operation") == "Stop"


def _signal(judge: Judge, run: Run) -> None:
    """Nothing is sent behind a signal, and what was started before it is reported."""
    if run.signalled is None:
        return
    later = run.sent[run.signalled :]
    # What was about to be sent at that very moment, one request for each VM, may leave.
    quiet = all(each.at <= run.signalled_at for each in later) and len(later) <= len(run.task.vms)
    text = f"{run.label}: {[(each.method, each.target[-60:], each.at - run.signalled_at) for each in later]}"
    judge.hold("nothing is sent behind a signal", quiet, text)
    for vm, part, error in _parts(run):
        took = _took(judge, run, vm)
        changed = part["status"] == "changed" if "status" in part else bool(part.get("changed"))
        code = (error or {}).get("code")
        text = f"{run.label} on {vm} did {[(work.kind, work.name) for work in took]}; changed {changed}, {error}"
        spoken = changed or code == "outcome_unknown" or bool(part.get("operation"))
        judge.hold("what was started is reported", not took or spoken, text)


def _approval(judge: Judge, run: Run) -> None:
    """Only what was approved is done, and what asks for more ends in plan_changed."""
    if run.approved is None:
        return
    actions = [each for each in run.approved["actions"] if each["action"] != "keep"]
    known = {str((each.get("checkpoint") or {}).get("id")).lower() for each in actions}
    verbs = {each["action"] for each in actions}
    for work in judge.record.work:
        if work.run is not run or work.kind not in (*MAKES, *REMOVES, *RESTORES):
            continue
        if work.point is None:
            continue  # what was asked for had gone
        approved = "create" in verbs
        if work.kind not in MAKES:
            by_name = f"/{work.home}/restorepoints/{work.name}".lower()
            approved = bool(ids(work.point) & known) or any(each.endswith(by_name) for each in known)
        text = f"{run.label}: {work.kind} {work.name}, approved {[each['action'] for each in actions]} {known}"
        judge.hold("only what was approved is done", approved, text)
    last = run.plans[-1].writes if run.plans else ()
    more = {each.checkpoint.id.lower() for each in last if hasattr(each, "checkpoint")} - known
    if more and run.result is not None and run.signalled is None:
        text = f"{run.label}: {run.code}; not approved {sorted(more)}"
        judge.hold("what was not approved ends in plan_changed", run.code == "plan_changed", text)
