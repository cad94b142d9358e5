# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of `restore_point` and `restore_point_collection`: of each run, and of what is there after all."""

from __future__ import annotations

from simulator.azure.model import Point
from tests.simulation.azure_generator import RESOURCES
from tests.simulation.record import Run, Work
from tests.simulation.run_invariants import HARMLESS, Judge, did_it

MADE = ("create", "copy")
GONE = ("point_delete", "copy_delete")


def judge_resources(judge: Judge) -> None:
    """Runs of the resource modules by themselves, then the collections and copies that were ever there."""
    for run in judge.record.runs:
        if run.task.module not in RESOURCES:
            continue
        _made(judge, run)
        if run.result is not None and not run.task.check:
            _truthful(judge, run)
            _seen(judge, run)
    _copies(judge)
    _collections(judge)


def home_of(run: Run) -> str:
    """The collection that a run is about, or whose points."""
    options = run.task.options
    return str(options["collection"] if run.task.module == "restore_point" else options["name"]).lower()


def planned_to_go(run: Run) -> set[tuple[str, str]]:
    """Collection and name of the points that any plan of the run said would go; a collection by itself without name."""
    found = set()
    for action in (action for plan in run.plans for action in plan.writes if action.verb == "delete"):
        if hasattr(action, "checkpoint"):
            found.add((f"checkpoints-{action.target.name}".lower(), action.checkpoint.name.lower()))
            continue
        parts = action.target.id.lower().split("/")
        home, name = (parts[-3], parts[-1]) if parts[-2] == "restorepoints" else (parts[-1], "")
        found.add((home, name))
        along = action.fields.get("restore_points_that_go", {}).get("after", [])
        found |= {(home, each.lower()) for each in along}
    return found


def has_failed(judge: Judge, point: Point) -> bool:
    """Whether it was not made, or its data stopped half-way."""
    works = [work for kind in MADE for work in judge.record.works(kind) if work.point is point]
    stopped = point.replication is not None and point.replication.failed
    return point.finished is None or stopped or any(work.failed for work in works)


def meant_here(run: Run, work: Work, failed: bool) -> bool:
    """Whether a `restore_point` task's own words allow that a point goes."""
    options = run.task.options
    if (work.home, work.name.lower()) != (home_of(run), str(options["name"]).lower()):
        return False
    return options.get("state") == "absent" or failed


def _made(judge: Judge, run: Run) -> None:
    """What a run makes is one thing, and planned."""
    works = [work for work in judge.record.work if work.run is run and work.kind in MADE]
    places = {(work.home, work.name.lower()) for work in works}
    places |= {(each.name.lower(), "") for by, _at, each in judge.record.collections if by is run}
    planned = set()
    for action in (action for plan in run.plans for action in plan.writes if action.verb == "create"):
        parts = action.target.id.lower().split("/")
        planned.add((parts[-3], parts[-1]) if parts[-2] == "restorepoints" else (parts[-1], ""))
    judge.hold("what is made was planned", places <= planned, f"{run.label}: {places}, planned {planned}")
    good = [work for work in works if not work.failed]
    text = f"{run.label} made {[(work.home, work.name, work.at - run.start) for work in good]}"
    anew = judge.record.world.switches.compute_reput == "201"
    judge.hold("a run makes at most one point", anew or len(good) <= 1, text)


def _truthful(judge: Judge, run: Run) -> None:
    """`changed` says what the run has done; an error that says nothing was sent is right."""
    changed, error = bool((run.result or {}).get("changed")), run.code
    mine = [work for work in judge.record.work if work.run is run]
    effects: list[object] = [work for work in mine if not work.failed]
    # A collection is made and changed in the answer itself; so is a PUT or DELETE that a service calls done already.
    effects += [each for each in run.sent if each.writes and each.status in (200, 201, 204)]
    text = f"{run.label}: changed {changed}, error {error}, did {[(w.kind, w.name, w.failed) for w in mine]}"
    if changed and not effects:
        if error is None and any(each.writes and (each.open or each.late) for each in run.sent):
            return  # the answer to a write was lost, and what it should do is done: nobody can know by whom
        if any(did_it(judge, run, work.vm, work) for work in mine):
            return  # somebody else did the very same at the same time: reading cannot tell whose it is
    if error is None and run.task.options.get("wait") is not False:
        judge.hold("changed is what was done", changed == bool(effects), text)
    elif error in HARMLESS and not changed:
        judge.hold("nothing was sent where that is said", not effects, text)


def _seen(judge: Judge, run: Run) -> None:
    """A success is true of the world as the run ends, as far as nobody else was at the same collection meanwhile."""
    options = run.task.options
    if not run.well or options.get("wait") is False or _disturbed(judge, run):
        return
    home = run.seen.get(home_of(run))
    absent = options.get("state") == "absent"
    text = f"{run.label}: {options}; there is {home}"
    if run.task.module == "restore_point":
        state = home.points.get(str(options["name"]).lower()) if home else None
        judge.hold("the point is as asked for", state == (None if absent else "whole"), text)
    elif absent:
        judge.hold("the collection is as asked for", home is None, text)
    else:
        was = run.before.get(home_of(run))
        kept = was.tags if was and options["append_tags"] else {}
        judge.hold("the collection is as asked for", (home.tags if home else None) == kept | options["tags"], text)


def _disturbed(judge: Judge, run: Run) -> bool:
    """Whether somebody else's work on the collection or its points overlapped with the run."""
    home = home_of(run)

    def while_on(moment: float) -> bool:
        return run.start <= moment <= run.end

    for work in judge.record.work:
        over = work.job.finished is not None and work.job.finished < run.start
        if work.home == home and work.run is not run and work.at <= run.end and not over:
            return True
    writes = [each for other in judge.record.runs if other is not run for each in other.sent if each.writes]
    return any(f"/{home}?" in each.target.lower() and while_on(each.handled or each.at) for each in writes)


def _copies(judge: Judge) -> None:
    """A copy goes as any point does: planned and meant."""
    azure = judge.record.world.azure
    now = {id(point) for each in azure.collections.values() for point in each.points}
    works = [work for work in judge.record.works("copy") if isinstance(work.point, Point)]
    goes = [work for work in judge.record.works("copy_delete") if not work.failed]
    along = {id(point) for work in judge.record.works("collection_delete") for point in work.inside}
    for work in works:
        gone = any(each.point is work.point for each in goes) or id(work.point) in along or work.failed
        # A service that makes a point anew over another, when two controllers PUT it at once.
        twins = [each for each in works if (each.home, each.name.lower()) == (work.home, work.name.lower())]
        gone = gone or (judge.record.world.switches.compute_reput == "201" and len(twins) > 1)
        judge.hold("nothing is lost", id(work.point) in now or gone, f"{work.home}/{work.name}")
    for work in goes:
        if work.run is None:
            continue
        text = f"{work.run.label} deleted {work.home}/{work.name}"
        judge.hold("what is deleted was planned", (work.home, work.name.lower()) in planned_to_go(work.run), text)
        failed = isinstance(work.point, Point) and has_failed(judge, work.point)
        judge.hold("what is deleted was meant", meant_here(work.run, work, failed), text)


def _collections(judge: Judge) -> None:
    """A collection goes when a task says so, and with it what its plan named; what has come since nobody could name."""
    now = {id(each) for each in judge.record.world.azure.collections.values()}
    goes = [work for work in judge.record.works("collection_delete") if not work.failed]
    for _by, _at, each in judge.record.collections:
        named = any(work.home == each.name.lower() for work in goes)
        judge.hold("nothing is lost", id(each) in now or named, each.name)
    for work in goes:
        run = work.run
        if run is None:
            continue
        options, planned = run.task.options, planned_to_go(run)
        text = f"{run.label} deleted {work.home} with {[point.name for point in work.inside]}"
        judge.hold("what is deleted was planned", (work.home, "") in planned, text)
        absent = run.task.module == "restore_point_collection" and options.get("state") == "absent"
        judge.hold("what is deleted was meant", absent and work.home == options["name"].lower(), text)
        reads = [each.handled or each.at for each in run.sent if each.method == "GET"]
        read = max((moment for moment in reads if moment <= work.at), default=0)
        made = {id(each.point): each.at for each in judge.record.work if each.kind in MADE}
        for point in work.inside:
            could = made.get(id(point), 0.0) <= read
            kept = not could or ((work.home, point.name.lower()) in planned and bool(options["force"]))
            judge.hold("what goes along was planned", kept, f"{text}: {point.name}")


def hopeless(run: Run) -> bool:
    """Errors that tell the user the truth, held against what was there as the run ended."""
    options, home = run.task.options, run.seen.get(home_of(run))
    if options.get("wait") is False:
        return True
    if run.task.module == "restore_point_collection":
        if options.get("state") == "absent":
            return run.code == "invalid_input" and bool(home and home.points) and not options["force"]
        source = str(options["source"]).lower()
        return run.code in ("not_found", "invalid_input") and source.startswith("own-") and source not in run.seen
    if run.code == "not_found" and home is None:
        return True
    if "source_restore_point" not in options:
        return False
    origin = run.seen.get(home_of(run).replace("north-", "own-"))
    missing = origin is None or str(options["source_restore_point"]).lower() not in origin.points
    return missing and run.code in ("not_found", "missing_checkpoint")
