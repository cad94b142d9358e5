# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place on Azure: which steps, and which of them are done. Pure.

    disks from the point ─ [keep the old] ─ deallocate ─ [detach] ─ swap ─ [start] ─ [old disks go] ─ mark as done

New disks have names that follow from the run (`<vm>-<os|lunN>-<run>`) and tags that say what they are for, so a run
that was killed anywhere is taken up by the next one: what is done is seen by reading. With a restore_key the run
follows from the key; without one from the point and the disks the VM had, so a finished restore is a new one when it is
asked for again. A run whose point has gone before the VM was on its disks has restored nothing: another replaces it.
"""

from __future__ import annotations

import typing as t

from .._errors import BadAnswer, InvalidInput, MissingCheckpoint
from .._model import Checkpoint, Inventory, Staged
from .._plan import Step
from .._wish import RestoreTo, terms
from .compute_detail import (
    DONE,
    GIVEN_UP,
    POINT_ID_TAG,
    POINT_TAG,
    POWER_TAG,
    REPLACES_TAG,
    RUN_TAG,
    STATE_TAG,
    VM_TAG,
    Detail,
    by_short,
    disk_name,
    hashed,
    is_done,
    lead,
    short_hash,
    short_name,
)
from .compute_entities import Disk, DiskEntity, PointEntity


def restore_steps(
    wish: RestoreTo,
    actual: Inventory,
    target: t.Callable[[], Checkpoint],
    power_before: str,
    under_way: str | None = None,
) -> Staged:
    """The steps still to do. An earlier run is found by its disks' tags; a finished one with the key is the end.

    `under_way` is the run that this very task has begun: planning anew it stays with it, whoever has ended it since.
    """
    detail: Detail = actual.detail
    if under_way and is_done(made := detail.of_run(under_way)):
        return Staged(_point_of(actual, made), (), done=f"run {under_way} of it has been ended by another task")
    run, made = (under_way, detail.of_run(under_way)) if under_way else _earlier(wish, detail)
    if made and wish.restore_key is not None:
        _same_target(wish, actual, made)
        if is_done(made):
            names = ", ".join(sorted(disk.name for disk in made.values()))
            done = f"restore_key: run {run} with this key has ended; its disks are {names}"
            return Staged(_point_of(actual, made), (), done=done)
    aside = None
    if made and wish.restore_key is None and not under_way and not _is_for(made, target()):
        # Somebody began another restore and did not end it; this one begins anew from where the VM is.
        aside, run, made = _told_power(made), "", {}
    if made:
        # Its point may have gone since: the VM was on the new disks by then, and what is left needs no point.
        point = _point_of(actual, made)
    else:
        point = _anew(target, detail)
        run = run or detail.unfinished(point.id) or _first_run(detail, actual.vm.canonical, point)
        while is_done(made := detail.of_run(run)) or detail.is_spent(made):
            # An ended run's disks have been written to since; the same restore once more takes fresh ones.
            run = hashed(run, "again")
    begun_with = _told_power(made) or aside
    warnings: tuple[str, ...] = ()
    if begun_with is None and power_before != "on" and _told_power(detail.interrupted(run)) == "on":
        begun_with = "on"
        warnings = (f"{actual.vm}: it is off, and a restore that was interrupted found it on; so it counts as on.",)
    steps, more = _steps(wish, actual, point, run, begun_with or power_before)
    warnings += more
    left = tuple(step for step in steps if not taken(step, actual))
    return Staged(point, left, resumed=bool(made), warnings=warnings)


def _anew(target: t.Callable[[], Checkpoint], detail: Detail) -> Checkpoint:
    """The target of a run that begins; without one, what an earlier run has left half done is told beside."""
    try:
        return target()
    except MissingCheckpoint as problem:
        if left := detail.abandoned():
            names = ", ".join(sorted(disk.name for disk in left.values()))
            problem.message += (
                f" An earlier restore has begun, and its point has gone before the VM was on the new disks ({names})."
            )
            problem.remedy = _way_back(detail, left)
        raise


def _way_back(detail: Detail, left: t.Mapping[str, DiskEntity]) -> str:
    """What to do by hand to have the VM as it was before the restore that has left these disks."""
    held = {each.managed_id for each in detail.vm.disks}
    old = [by_short(detail, (disk.tags or {}).get(REPLACES_TAG, "")) for disk in left.values()]
    missing = sorted(disk.name for disk in old if disk is not None and disk.id.lower() not in held)
    todo = [f"attach {', '.join(missing)} again"] if missing else []
    if _told_power(left) == "on" and detail.vm.power != "on":
        todo.append("start the VM")
    by_hand = f" To have the VM as it was: {', '.join(todo)}." if todo else ""
    return f"Restore to another checkpoint, or remove those disks.{by_hand}"


def _is_for(made: t.Mapping[str, DiskEntity], point: Checkpoint) -> bool:
    return any((disk.tags or {}).get(POINT_ID_TAG) == short_hash(point.id) for disk in made.values())


def _same_target(wish: RestoreTo, actual: Inventory, made: t.Mapping[str, DiskEntity]) -> None:
    """A key names one restore: asked for another target with it, something is meant that the key would hide."""
    wanted = actual.by_id(wish.checkpoint_id) if wish.checkpoint_id else None
    told = {(disk.tags or {}).get(POINT_TAG, "").rsplit("/", 1)[-1] for disk in made.values()}
    names = [c for c in actual.checkpoints if _is_for(made, c)]
    same = all(c.is_named(wish.name) for c in names) if wish.name else wanted is None or _is_for(made, wanted)
    if not same:
        raise InvalidInput(
            f"restore_key: it was used for a restore to {', '.join(sorted(told))}. Nothing was changed.",
            subject=str(actual.vm),
            remedy="Give each restore a key of its own.",
        )


def _first_run(detail: Detail, vm: str, point: Checkpoint) -> str:
    return hashed(vm, point.id, *sorted(disk.managed_id for disk in detail.vm.disks))


def _earlier(wish: RestoreTo, detail: Detail) -> tuple[str, dict[str, DiskEntity]]:
    """The run to go on with, and the disks it has made; without a key one that has swapped but not ended."""
    if wish.restore_key is not None:
        run = hashed(detail.vm.id.lower(), "key", wish.restore_key)
        while detail.is_spent(made := detail.of_run(run)):
            run = hashed(run, "again")
        return run, made
    attached = [disk for a in detail.vm.disks if (disk := detail.disks.get(a.managed_id)) is not None]
    for run in sorted({(disk.tags or {}).get(RUN_TAG, "") for disk in attached} - {""}):
        made = detail.of_run(run)
        if not is_done(made):
            return run, made
    return "", {}


def _steps(
    wish: RestoreTo, actual: Inventory, point: Checkpoint | None, run: str, power_before: str
) -> tuple[list[Step], tuple[str, ...]]:
    """All steps of the run, done or not. Without a point they are about the disks that it has made."""
    detail: Detail = actual.detail
    entity = detail.point(point.id) if point else None
    disks = entity.disks if entity else []
    if point is not None and not disks:
        raise BadAnswer(f"restore point {point.name} is shown without its disks.", subject=str(actual.vm))
    wanted = power_before if wish.power_after in (None, "previous") else wish.power_after
    made = detail.of_run(run)
    places = [disk.place for disk in disks] or sorted(made)
    new = {place: disk_name(detail.vm.name, place, run) for place in places}
    if point is not None and entity is not None:
        _refuse_unusable(actual, entity, [disk for disk in disks if detail.named(new[disk.place]) is None])
    _refuse_strangers(actual, new, disks)
    old = {place: _replaced(detail, place, name) for place, name in new.items()}
    shared = _shared(made, entity.id if entity else point.id if point else "") | {"run": run}
    if asked := terms(wish):
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
            keyed=wish.restore_key is not None,
            replaces=old[place] or "",
            delete_option=detail.delete_option(place),
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
    back = _detached(detail, new, run)
    held = new | back
    steps.append(step("swap its disks", why, op="swap", disks=held, undo=True))
    if wanted == "on":
        steps.append(
            step("start the VM", f"power_after is {wish.power_after or 'previous'}", op="start", disks=held, undo=True)
        )
    gone = [name for name in old.values() if name] if wish.old_disks == "delete" else []
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
    for place, name in back.items():
        warnings.append(f"{actual.vm}: a restore that was interrupted has detached {place}; {name} comes back there.")
    return steps, tuple(warnings)


def _detached(detail: Detail, new: t.Mapping[str, str], run: str) -> dict[str, str]:
    """What interrupted runs have detached from places that this one brings no disk for."""
    return {
        place: told
        for place, disk in detail.interrupted(run).items()
        if place not in new and place != "os" and detail.attached(place) is None
        if (told := (disk.tags or {}).get(REPLACES_TAG, "")) and by_short(detail, told) is not None
    }


def _shared(made: t.Mapping[str, DiskEntity], point_id: str) -> dict[str, t.Any]:
    """What all steps of a run tell of its point: read off the point, or off the run's disks once it has gone."""
    if point_id:
        return {"point": "/".join(point_id.split("/")[-3::2]), "point_id": short_hash(point_id)}
    tags = lead(made).tags or {}
    return {"point": tags.get(POINT_TAG, ""), "point_id": tags.get(POINT_ID_TAG, "")}


def taken(step: Step, actual: Inventory) -> bool:
    """Whether what was read shows the step as done."""
    detail: Detail = actual.detail
    op = step.about.get("op")
    if op == "make_collection":
        return detail.collection is not None
    if op == "create_disk":
        disk = detail.named(str(step.about["disk"]))
        return disk is not None and (disk.properties.provisioningState or "Succeeded").lower() == "succeeded"
    if op == "delete_disk":
        # Only a group that was listed can show that a disk is gone.
        short = str(step.about["disk"])
        listed = short.rpartition("/")[0].lower() in detail.groups
        return listed and by_short(detail, short) is None
    swapped = is_on(detail, step.about.get("disks") or {})
    if op == "keep":
        return swapped or all(detail.delete_option(place) != "Delete" for place in step.about.get("disks") or {})
    if op == "deallocate":
        return swapped or detail.vm.power_code == "deallocated"
    if op == "detach":
        return swapped or not in_the_way(detail, step.about.get("disks") or {})
    if op in ("swap", "swap_back"):
        return swapped
    if op == "start":
        return swapped and actual.power == "on"
    if op in ("finish", "give_up"):
        disk = detail.named(str(step.about["disk"]))
        state = DONE if op == "finish" else GIVEN_UP
        return swapped and disk is not None and (disk.tags or {}).get(STATE_TAG) == state
    return False


def is_on(detail: Detail, disks: t.Mapping[str, str]) -> bool:
    """Whether the VM has these disks (by place and short name) attached."""
    for place, name in disks.items():
        attached, disk = detail.attached(place), by_short(detail, name)
        if attached is None or disk is None or attached.managed_id != disk.id.lower():
            return False
    return bool(disks)


def in_the_way(detail: Detail, disks: t.Mapping[str, str]) -> list[str]:
    """The LUNs of `disks` that another disk is attached at."""
    found = []
    for place, name in disks.items():
        attached, disk = detail.attached(place), by_short(detail, str(name))
        if place != "os" and attached is not None and (disk is None or attached.managed_id != disk.id.lower()):
            found.append(place)
    return found


def amends(step: Step, before: Inventory) -> tuple[Step, ...]:
    """What puts the VM back onto its old disks after a step behind the swap has failed."""
    detail: Detail = before.detail
    new: dict[str, str] = dict(step.about.get("disks") or {})
    old = {place: name for place in new if (name := _replaced(detail, place, new[place]))}
    if not old:
        return ()
    about = {"run": step.about.get("run"), "disks": old}
    why = f"{step.do} failed"
    steps = [
        Step(before.vm, why, do="deallocate the VM", about={**about, "op": "deallocate"}),
        Step(before.vm, why, do="detach the new data disks", about={**about, "op": "detach"}),
        Step(before.vm, why, do="swap the old disks back", about={**about, "op": "swap_back"}),
    ]
    run = str(step.about.get("run"))
    if (_told_power(detail.of_run(run)) or before.power) == "on":
        steps.append(Step(before.vm, why, do="start the VM", about={**about, "op": "start"}))
    return tuple(steps)


def _replaced(detail: Detail, place: str, new: str) -> str | None:
    """`group/name` of the disk that the new one takes the place of: attached now, or told by the new one's tag.

    A tag is a claim: it counts only for a disk that a point of the VM names as its own, or that a restore of it made.
    """
    made = detail.named(new)
    attached = detail.attached(place)
    if made is None and attached is None:
        made = detail.interrupted("").get(place)  # what a run before this one has detached
    told = (made.tags or {}).get(REPLACES_TAG) if made is not None else None
    if told:
        disk = by_short(detail, told)
        points = (detail.collection.properties.restorePoints or []) if detail.collection else []
        known = {d.managed_id for point in points for d in point.disks} | {d.managed_id for d in detail.vm.disks}
        ours = disk is not None and (
            disk.id.lower() in known or (disk.tags or {}).get(VM_TAG) == short_hash(detail.vm.id)
        )
        return told if disk is None or ours else None
    managed = attached.managedDisk if attached else None
    return short_name(managed.id) if managed and managed.id else None


def _point_of(actual: Inventory, made: t.Mapping[str, DiskEntity]) -> Checkpoint | None:
    return next((c for c in actual.checkpoints if _is_for(made, c)), None)


def _told_power(made: t.Mapping[str, DiskEntity]) -> str | None:
    """The power state that the run began with, as its disks' tags remember it."""
    return next((tags[POWER_TAG] for disk in made.values() if (tags := disk.tags or {}).get(POWER_TAG)), None)


def _refuse_unusable(actual: Inventory, entity: PointEntity, todo: t.Sequence[Disk]) -> None:
    """A point from which not every disk can be made is refused before the first one is."""
    lacking = [disk.place for disk in todo if not (disk.diskRestorePoint and disk.diskRestorePoint.id)]
    if todo and entity.state != "succeeded":
        why = f"it is {entity.state or 'in no state that is known'}"
    elif lacking:
        why = f"it lacks the disk restore point of {', '.join(lacking)}"
    else:
        return
    raise MissingCheckpoint(
        f"restore point {entity.name} cannot be restored: {why}. Nothing was changed.",
        subject=str(actual.vm),
        remedy="Choose another.",
    )


def _refuse_strangers(actual: Inventory, new: t.Mapping[str, str], disks: t.Sequence[Disk]) -> None:
    """A disk that only bears the name is not this restore's: names follow from what anybody can know."""
    sources = {disk.place: (disk.diskRestorePoint.id or "") for disk in disks if disk.diskRestorePoint}
    for place, name in new.items():
        found = actual.detail.named(name)
        made_from = found.properties.creationData if found else None
        if (
            found
            and sources.get(place)
            and (not made_from or (made_from.sourceResourceId or "").lower() != sources[place].lower())
        ):
            raise InvalidInput(
                f"a disk named {name} exists and was not made from that restore point. Nothing was changed.",
                subject=str(actual.vm),
                remedy="Remove that disk, or use another restore_key.",
            )
