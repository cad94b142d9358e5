# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place on Azure: which steps. Pure.

    disks from the point ─ [keep the old] ─ deallocate ─ [detach] ─ swap ─ [start] ─ [old disks go] ─ mark as done

New disks have names that follow from the run (`<vm>-<os|lunN>-<run>`) and tags that say what they are for, so a run
that was killed anywhere is taken up by the next one: what is done is seen by reading. With a restore_key the run
follows from the key; without one from the point and the disks the VM had, so a finished restore is a new one when it is
asked for again. A run whose point has gone before the VM was on its disks has restored nothing: another replaces it;
one whose VM was on them by then needs no point to end.
"""

from __future__ import annotations

import typing as t

from ..._core.errors import BadResponse, InvalidInput, MissingCheckpoint
from ..._core.model import Checkpoint, ObservedVm, RestorePlan
from ..._core.ownership import read_generated
from ..._core.plan import Step
from ..._core.spec import RestoreRequest, terms
from .entities import DiskEntity
from .restore_disk import left_out
from .restore_refusals import (
    refuse_elsewhere,
    refuse_no_os_disk,
    refuse_strangers,
    refuse_unknown_power,
    refuse_unusable,
)
from .restore_state import (
    DONE,
    HELD_TAG,
    POINT_ID_TAG,
    POINT_TAG,
    REPLACES_TAG,
    RUN_TAG,
    SOURCE_TAG,
    Detail,
    by_short,
    disk_name,
    hashed,
    is_done,
    lead,
    short_hash,
    source_hash,
)
from .restore_verify import is_the_vms, replaced, standing, taken, told_power, was_held


def restore_steps(
    spec: RestoreRequest,
    actual: ObservedVm,
    target: t.Callable[[], Checkpoint],
    power_before: str,
    under_way: str | None = None,
) -> RestorePlan:
    """The steps still to do. An earlier run is found by its disks' tags; a finished one with the key is the end.

    `under_way` is the run that this very task has begun: planning anew it stays with it, whoever has ended it since.
    """
    detail: Detail = actual.detail
    if under_way and is_done(made := detail.of_run(under_way)):
        return RestorePlan(_point_of(actual, made), (), done=f"run {under_way} of it has been ended by another task")
    run, made = (under_way, detail.of_run(under_way)) if under_way else _earlier(spec, detail)
    if made and spec.restore_key is not None:
        _same_target(spec, actual, made)
        if is_done(made):
            names = ", ".join(sorted(disk.name for disk in made.values()))
            done = f"restore_key: run {run} with this key has ended; its disks are {names}"
            return RestorePlan(_point_of(actual, made), (), done=done)
    aside = None
    if made and spec.restore_key is None and not under_way and not _is_wanted(spec, actual, made, target):
        # Somebody began another restore and did not end it; this one begins anew from where the VM is.
        aside, run, made = told_power(made), "", {}
    if made:
        # Its point may have gone since: the VM was on the new disks by then, and what is left needs no point.
        point = _point_of(actual, made)
    else:
        point = _anew(target, detail)
        run = run or detail.unfinished(point.id) or _first_run(detail, actual.vm.canonical, point)
        while is_done(made := detail.of_run(run)) or detail.is_spent(made) or not _is_from(actual, made, point):
            # An ended run's disks have been written to since; the same restore once more takes fresh ones.
            run = hashed(run, "again")
    begun_with = told_power(made) or aside
    warnings: tuple[str, ...] = ()
    if begun_with is None and power_before != "on" and told_power(detail.interrupted(run)) == "on":
        begun_with = "on"
        warnings = (f"{actual.vm}: it is off, and a restore that was interrupted found it on; so it counts as on.",)
    refuse_unknown_power(spec, actual, begun_with or power_before)
    if made and not under_way:
        warnings += (f"{actual.vm}: an earlier run has begun this restore ({run}); what is left of it is done.",)
    steps, more = _steps(spec, actual, point, run, begun_with or power_before)
    warnings += more
    left = tuple(step for step in steps if not taken(step, actual))
    return RestorePlan(point, left, resumed=bool(made), warnings=warnings)


def _is_wanted(
    spec: RestoreRequest, actual: ObservedVm, made: t.Mapping[str, DiskEntity], target: t.Callable[[], Checkpoint]
) -> bool:
    """Whether the run that has swapped to these disks is the restore that is asked for."""
    try:
        return _is_from(actual, made, target())
    except MissingCheckpoint as problem:
        tags = lead(made).tags or {}
        point = tags.get(POINT_TAG, "")
        if _is_named(spec, actual, point, tags.get(POINT_ID_TAG, "")):
            return True
        where = standing(Step(actual.vm, "", do="", about={"run": tags.get(RUN_TAG)}), actual, actual)
        problem.notes.append(f"A restore to {point} has begun and not ended. {where}")
        problem.remedy = (
            f'Run the restore to "{point.rpartition("/")[2]}" again: it ends without its restore point. '
            "Or restore to another checkpoint."
        )
        raise


def _is_named(spec: RestoreRequest, actual: ObservedVm, point: str, point_id: str) -> bool:
    """Whether a point that has gone is the one that is asked for; which was the latest, nobody knows any more."""
    home, _slash, name = point.rpartition("/")
    if spec.checkpoint_id is not None or spec.name is None:
        return point_id == short_hash(spec.checkpoint_id or "")
    generated = read_generated(name)
    gone = Checkpoint(id="", name=name, series=generated[0] if generated else None, any_case=True)
    return _home(actual).lower() == home.lower() and gone.matches_name(spec.name)


def _home(actual: ObservedVm) -> str:
    """What the collection is called that the task is about, also where it does not exist (any more)."""
    if actual.detail.collection is not None:
        return str(actual.detail.collection.name)
    return next((str(step.about["collection"]).rpartition("/")[2] for step in actual.prelude), "")


def _anew(target: t.Callable[[], Checkpoint], detail: Detail) -> Checkpoint:
    """The target of a run that begins; without one, what an earlier run has left half done is told beside."""
    try:
        return target()
    except MissingCheckpoint as problem:
        if left := detail.abandoned():
            names = ", ".join(sorted(disk.name for disk in left.values()))
            problem.notes.append(
                f"An earlier restore has begun, and its point has gone before the VM was on the new disks ({names})."
            )
            problem.remedy = _way_back(detail, left)
        raise


def _way_back(detail: Detail, left: t.Mapping[str, DiskEntity]) -> str:
    """What to do by hand to have the VM as it was before the restore that has left these disks."""
    held = {each.managed_id for each in detail.vm.disks}
    old = [by_short(detail, (disk.tags or {}).get(REPLACES_TAG, "")) for disk in left.values()]
    missing = sorted(disk.name for disk in old if disk is not None and disk.id.lower() not in held)
    todo = [f"attach {', '.join(missing)} again"] if missing else []
    if told_power(left) == "on" and detail.vm.power != "on":
        todo.append("start the VM")
    by_hand = f" To have the VM as it was: {', '.join(todo)}." if todo else ""
    return f"Restore to another checkpoint, or remove those disks.{by_hand}"


def _is_for(made: t.Mapping[str, DiskEntity], point: Checkpoint) -> bool:
    return any((disk.tags or {}).get(POINT_ID_TAG) == short_hash(point.id) for disk in made.values())


def _is_from(actual: ObservedVm, made: t.Mapping[str, DiskEntity], point: Checkpoint) -> bool:
    """Whether the disks were made of that very point: another may have been made under its name and id since."""
    if not made:
        return True
    entity = actual.detail.point(point.id)
    sources = {source_hash(disk) for disk in entity.disks} if entity else set()
    return _is_for(made, point) and all((disk.tags or {}).get(SOURCE_TAG) in sources for disk in made.values())


def _same_target(spec: RestoreRequest, actual: ObservedVm, made: t.Mapping[str, DiskEntity]) -> None:
    """A key names one restore: asked for another target with it, something is meant that the key would hide."""
    wanted = actual.by_id(spec.checkpoint_id) if spec.checkpoint_id else None
    told = {(disk.tags or {}).get(POINT_TAG, "").rsplit("/", 1)[-1] for disk in made.values()}
    names = [c for c in actual.checkpoints if _is_for(made, c)]
    same = all(c.matches_name(spec.name) for c in names) if spec.name else wanted is None or _is_for(made, wanted)
    if not same:
        raise InvalidInput(
            f"restore_key: it was used for a restore to {', '.join(sorted(told))}.",
            subject=str(actual.vm),
            remedy="Give each restore a key of its own.",
            changed_nothing=True,
        )


def _first_run(detail: Detail, vm: str, point: Checkpoint) -> str:
    return hashed(vm, point.id, *sorted(disk.managed_id for disk in detail.vm.disks))


def _earlier(spec: RestoreRequest, detail: Detail) -> tuple[str, dict[str, DiskEntity]]:
    """The run to go on with, and the disks it has made; without a key one that has swapped but not ended."""
    if spec.restore_key is not None:
        run = hashed(detail.vm.id.lower(), "key", spec.restore_key)
        while detail.is_spent(made := detail.of_run(run)):
            run = hashed(run, "again")
        return run, made
    attached = [disk for a in detail.vm.disks if (disk := detail.disks.get(a.managed_id)) is not None]
    for run in sorted({(disk.tags or {}).get(RUN_TAG, "") for disk in attached} - {""}):
        made = detail.of_run(run)
        if made and not is_done(made):
            return run, made
    return "", {}


def _steps(
    spec: RestoreRequest, actual: ObservedVm, point: Checkpoint | None, run: str, power_before: str
) -> tuple[list[Step], tuple[str, ...]]:
    """All steps of the run, done or not. Without a point they are about the disks that it has made."""
    detail: Detail = actual.detail
    entity = detail.point(point.id) if point else None
    disks = entity.disks if entity else []
    if point is not None and not disks:
        raise BadResponse(f"restore point {point.name} is shown without its disks.", subject=str(actual.vm))
    wanted = power_before if spec.power_after in (None, "previous") else spec.power_after
    made = detail.of_run(run)
    places = [disk.place for disk in disks] or sorted(made)
    new = {place: disk_name(detail.vm.name, place, run) for place in places}
    if point is not None and entity is not None:
        refuse_unusable(actual, entity, [disk for disk in disks if detail.named(new[disk.place]) is None])
    refuse_no_os_disk(actual, new)
    refuse_strangers(actual, new, disks)
    refuse_elsewhere(actual, new, disks)
    old = {place: replaced(detail, place, name) for place, name in new.items()}
    shared = _shared(made, entity.id if entity else point.id if point else "") | {"run": run}
    if asked := terms(spec):
        shared["terms"] = asked

    def step(do: str, reason: str, *, undo: bool = False, **about: t.Any) -> Step:
        return Step(actual.vm, reason, do=do, about={**about, **shared}, undo=undo)

    why = f'restore in place to "{shared["point"].rpartition("/")[2]}"'
    steps = [
        step(
            f"create disk {name}",
            why,
            op="create_disk",
            disk=name,
            place=place,
            power=power_before,
            keyed=spec.restore_key is not None,
            replaces=old[place] or "",
            held=was_held(detail, place, name),
        )
        for place, name in new.items()
    ]
    if any(detail.delete_option(place) == "Delete" for place in new):
        steps.append(
            step("keep the old disks when they are detached", "their deleteOption is Delete", op="keep", disks=new)
        )
    steps.append(step("deallocate the VM", "its OS disk can only be swapped then", op="deallocate", disks=new))
    if any(place != "os" for place in new):
        # Another disk at a LUN in one request is refused ("Changing property dataDisk.managedDisk.id is not allowed").
        steps.append(step("detach its data disks", why, op="detach", disks=new, undo=True))
    back, doubtful = _detached(detail, new, run)
    held = new | {place: name for place, (name, _as) in back.items()}
    as_before = {"held": {place: told for place, (_name, told) in back.items()}} if back else {}
    steps.append(step("swap its disks", why, op="swap", disks=held, undo=True, **as_before))
    if wanted == "on":
        # Not `held`: once it is attached nothing tells what had been detached, and an approval covers this very step.
        steps.append(
            step("start the VM", f"power_after is {spec.power_after or 'previous'}", op="start", disks=new, undo=True)
        )
    gone = [name for name in old.values() if name] if spec.old_disks == "delete" else []
    if gone:
        steps += [step(f"delete disk {name}", "old_disks is delete", op="delete_disk", disk=name) for name in gone]
    for name, state in detail.left_open(run, [each for each in old.values() if each]).items():
        if any(each.rpartition("/")[2].lower() == name.lower() for each in gone):
            continue  # it goes with the old disks
        op, told_as = ("finish", "done") if state == DONE else ("give_up", "given up")
        do = f"mark disk {name} as {told_as}"
        steps.append(step(do, "so that it is not taken for unfinished", op=op, disks=new, disk=name))
    # The lead disk is the last: its tag says that all of it is done.
    for name in sorted(new.values(), key=lambda name: name == lead(new)):
        do = "mark the run as done" if name == lead(new) else f"mark disk {name} as done"
        steps.append(step(do, "so that it is not taken for unfinished", op="finish", disks=new, disk=name))
    kept = sorted(disk.place for disk in detail.vm.disks if disk.place not in new)
    warnings: list[str] = []
    if kept:
        warnings.append(f"{actual.vm}: the point holds no {', '.join(kept)}; what is attached there stays as it is.")
    for place, name in new.items():
        lost = left_out(by_short(detail, old[place] or "")) if detail.named(name) is None else []
        if lost:
            warnings.append(f"{actual.vm}: no room on disk {name} for the tags {', '.join(lost)} of {old[place]}.")
    for place, (name, _told) in back.items():
        warnings.append(f"{actual.vm}: a restore that was interrupted has detached {place}; {name} comes back there.")
    return steps, (*warnings, *(f"{actual.vm}: {text}" for text in doubtful))


def _detached(detail: Detail, new: t.Mapping[str, str], run: str) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """What interrupted runs have detached from places that this one brings no disk for, and how it was held.

    Behind it, what only a tag says of: a disk that is not known as the VM's is not attached to it on a tag's word.
    """
    found, doubtful = {}, []
    for place, disk in detail.interrupted(run).items():
        tags = disk.tags or {}
        old = by_short(detail, told) if (told := tags.get(REPLACES_TAG, "")) else None
        if old is None or place in new or place == "os" or detail.attached(place) is not None:
            continue
        if is_the_vms(detail, old):
            found[place] = (told, tags.get(HELD_TAG, ""))
        else:
            doubtful.append(f"an interrupted restore seems to have detached {place} ({told}); attach it by hand.")
    return found, doubtful


def _shared(made: t.Mapping[str, DiskEntity], point_id: str) -> dict[str, t.Any]:
    """What all steps of a run tell of its point: read off the point, or off the run's disks once it has gone."""
    if point_id:
        return {"point": "/".join(point_id.split("/")[-3::2]), "point_id": short_hash(point_id)}
    tags = lead(made).tags or {}
    return {"point": tags.get(POINT_TAG, ""), "point_id": tags.get(POINT_ID_TAG, "")}


def _point_of(actual: ObservedVm, made: t.Mapping[str, DiskEntity]) -> Checkpoint | None:
    return next((c for c in actual.checkpoints if made and _is_from(actual, made, c)), None)
